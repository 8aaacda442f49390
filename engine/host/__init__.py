"""Runs the rules: wakes them, records what they decide, hands runtime commands out and puts what came of them on the log.

What a rule decides is its own (`reconcilers/`); how a command is carried out is the runtime's.
"""
