"""What should happen: pure, level-triggered functions from what is known to what to do next.

By subject: `rule/` (what a rule is), `workloads/`, `services/`, `cluster/`, `scheduler/`, `kubelet/`; `catalogue.py` names them
all. No clock, no randomness, no I/O, no `async def`: what a rule needs comes in as an argument.
"""
