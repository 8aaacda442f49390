"""Requests changed at random, sent to a real server: nothing that a client sends may be a 500, hang, be logged as a bug,
or change what it was refused. `python -m tests.fuzz --seconds 3600` for a longer run; what it finds is kept under corpus/.
"""
