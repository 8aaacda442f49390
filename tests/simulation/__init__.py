"""The simulator: the production engine and every reconciler under one seed, virtual time and faults.

    python -m tests.simulation --seed 7

A world has a log and nodes that outlive the engine. Engines run on it, crash between any two steps and come back; commands
are lost, doubled or late, and outcomes are lost; clients create, scale and delete all the while. Then the faults end, the
world settles, and checkers that know nothing of the engine look at what came of it.
"""
