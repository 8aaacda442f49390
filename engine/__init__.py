"""Who runs when: the log is followed, commands are committed, rules are hosted, the API is served, the past is read.

Floors, bottom to top, kept by a test; a room imports only those below it:

    time/        the clock, ids and randomness, long work
    state/       what is known at one revision: the view, what runs, snapshots of it
    kinds/       all that is known of one kind in one module: defaults, checks, deletion, columns, words
    admission/   the chain that every object passes
    commit/      the single writer: from a command to a durable event, and the watches that hear of it
    auth/        who asks and what they may: certificates, tokens, identities
    host/        runs the reconcilers, hands their commands to the runtimes, words events for people
    past/        moments as people write them, views of them (`/at/`), and replay: a log that nobody writes
    cluster.py   the library's face
    api/         HTTP: Kubernetes' wire for a cluster or a recording
    settings.py  what a daemon is asked for, checked, and what its data directory keeps
    daemon.py    a cluster with an API on a machine
    cli/         the command `shipslog`

What happened is `store`'s, what should happen is `reconcilers`', how it happens is `runtime`'s.
"""
