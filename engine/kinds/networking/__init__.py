"""The kinds of networking.k8s.io: how traffic comes in, and which is let through."""
