"""Containers by crun and conmon, driven directly. Everything here works on one node's directories and namespaces and is
synchronous, to be called from the node's own threads; the asyncio side is shipslog.runtime.oci_node."""
