"""The simulator: the production engine and every reconciler under one seed, virtual time and faults.

    shipslog simulate --seed 7

A world has a disk and nodes that outlive the engine (`world`). On the disk is the log that production has (`disk`): slow,
refusing, full, torn, with snapshots that are taken and restored. Engines run on it, die between any two steps and come back
(`life`); commands are lost, doubled or late, containers die, probes fail, machines reboot or stay away (`faults`); clients
create, scale, evict and delete the same few objects all the while (`clients`) and remember what they were told (`ledger`).
Then the faults end, the world settles, and checkers that know nothing of the engine look at what came of it (`checkers`).
Rules, clients and promises of somebody else live through the same where a `Scenario` brings them.
"""
