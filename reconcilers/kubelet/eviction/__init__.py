"""Pods that have to go because their node runs short of something, or because they take more disk than they may.

Belongs here: which thresholds are met, which images and which pod go for it, and in which words. Does not: measuring
(runtime/stats), and when what is measured becomes a fact (engine/host/pressure_reader.py).
"""
