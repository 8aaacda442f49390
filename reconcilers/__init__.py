"""What should happen: pure, level-triggered functions from what is known to what to do next.

By subject: `rule/` (what a rule is), `workloads/`, `services/`, `cluster/`, `scheduler/`, `kubelet/`, `storage/`. `roster.py`
has them in their order, each loaded when there is something for it; `every_rule.py` all of them loaded. No clock, no
randomness, no I/O, no `async def`: what a rule needs comes in as an argument.
"""
