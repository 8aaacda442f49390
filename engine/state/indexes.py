"""The indexes that every reader of a view shares. Those of one kind's own stand in that kind's room (engine/kinds)."""

from shipslog.store.projections import EVERY_KIND, index

BY_UID = index("by uid", EVERY_KIND, lambda obj: (obj.metadata.uid,))
BY_OWNER = index("by owner", EVERY_KIND, lambda obj: tuple(o.uid for o in obj.metadata.owner_references))
PODS_BY_NODE = index("pods by node", ("pods",), lambda pod: (pod.spec.node_name,))
