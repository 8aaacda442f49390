"""What must hold, checked from outside: on the log, on the nodes, and against what the clients were told.

A checker a module. Each was seen to go red: `test_checkers.py` breaks the rule that each is about.
"""
