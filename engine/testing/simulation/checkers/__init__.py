"""What must hold, checked from outside: on the log, on the nodes, and against what the clients were told. A checker a module:

    acknowledged      nothing that a client was told is lost; no increment of two clients is missing
    budgets           no eviction takes a pod that its disruption budget could not spare
    decisions         every recorded decision comes out the same when it is taken again
    deletion          what was deleted ends; nothing is left without its namespace or owner
    foreground        who is deleted in the foreground goes last
    indexes           indexes that were folded find what rebuilt ones find
    log_is_whole      every revision is there, and times do not go back
    network_policies  what a node lets through is what the policies say, pair by pair
    nodes             a pod is on one node
    preemption        nobody gives way but to one who is more important and is promised the place
    services          endpoints, slices and packet rules name the pods that run
    settled           at the end there is what was asked for, and nothing else
    snapshots         a snapshot is what the log comes to at its revision
    watches           a watch saw each change once, in order

`broken_promise` is how they say it. Each was seen to go red: `test_checkers.py` breaks the rule that each is about.
"""
