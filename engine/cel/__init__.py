"""The Common Expression Language as Kubernetes has it: expressions compiled against declarations, checked, costed and run.

Nothing of schemas, kinds or policies: who has expressions declares their variables (`program.compile_`) and gives the values
(`Program.run`).
The text is parsed by a library (cel-expr-python, imported when the first expression comes); types, cost and evaluation are
kept here, since no library counts what an expression costs (ADR 35). Values are Python's: JSON as it is, and `values`.
"""
