"""What a node does for a container beside running it, on the loop: probes (exec, HTTP, TCP, gRPC) and lifecycle hooks."""
