"""The functions that Kubernetes adds to the language: texts, lists, sets, patterns, addresses, quantities, versions, formats.

Each module is one library of apiserver/pkg/cel/library or cel-go/ext; nothing here knows of expressions or evaluation.
"""
