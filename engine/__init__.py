"""Who runs when: the log is followed, commands are committed, rules are hosted, the API is served, the past is read.

Floors, bottom to top; a room imports only those below it (`tests/test_house.py` has the whole order):

    measures, progress   what is counted, how far something long is
    cel/        expressions: compiled, bounded, run
    time/       the clock, ids and randomness, long work
    state/      what is known at one revision: the view, what runs, snapshots of it
    kinds/      all that is known of one kind in one module: defaults, checks, deletion, columns, words
    admission/  the chain that every object passes
    commit/     the single writer: from a command to a durable event, and the watches that hear of it
    webhooks/, policies/   who is asked outside, and by expressions, before something is done
    auth/       who asks and what they may: certificates, tokens, identities
    host/       runs the reconcilers, hands their commands to the runtimes, words events for people (`usage`: what they use)
    manifests, static_pods   objects from files
    past/       moments as people write them, views of them (`/at/`), and replay: a log that nobody writes
    chronicle/  the log for people: one line an event, causes, history, differences
    served, client, tallies, cluster   the library's face
    api/        HTTP: Kubernetes' wire for a cluster or a recording
    dns/        the name server; tokens, library: a cluster that signs, and one that is served from its own process
    testing/    what tests bring along, and the simulator
    settings/   what a daemon is asked for (options), checked, and what its data directory keeps (begun)
    backups, redaction   a cluster in a file, and a log without secrets
    daemon      a cluster with an API on a machine; messages, notify: what it says, to whom
    cli/        the command `shipslog`

What happened is `store`'s, what should happen is `reconcilers`', how it happens is `runtime`'s.
"""
