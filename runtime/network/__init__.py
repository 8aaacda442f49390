"""The network of a node's pods: bridge, addresses, veths, NAT to the outside and host ports. Services belong to netfilter."""
