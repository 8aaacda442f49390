"""Rules that lead traffic to pods: endpoints, slices, their mirrors, the API's own service, each node's packet rules."""
