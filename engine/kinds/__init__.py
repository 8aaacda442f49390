"""The kinds: all that the engine knows of one stands in one module, `GROUP/KIND.py` (a package where it is large).

There: its defaults and checks, what an update may change, what is allocated, how deletion goes, its table columns, selectable
fields and words for `kubectl explain`. Beside them the machinery once: `strategy` (what the engine asks of every kind),
`catalogue` (which module holds which), `faults`, `names`, `metadata`; and `pod_spec/`, which all templates of pods share. The
Structs themselves are in `store/objects`. How to add a kind: docs/how-to-add-a-kind.md.
"""
