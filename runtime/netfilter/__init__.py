"""Packet rules of a node: adapters that make a whole `Ruleset` true as the smallest atomic transaction.

Here belongs what knows nftables; what the rules shall be is decided in `reconcilers/services/`. The text that nft gets is made
in `service_ruleset_text` (once a table) and `service_elements` (of each service), and in `policy_ruleset_text` for
NetworkPolicies. `loaded_ruleset` finds the smallest change, `nftables` and `network_policies` bring it to the kernel,
`guarded_table` puts right what others change there. `iptables/` and `userspace/` are the other modes; `recording` is what
simulations use.
"""
