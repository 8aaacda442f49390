"""Rules of the cluster itself: namespaces, accounts, nodes, and the objects whose owners are gone."""
