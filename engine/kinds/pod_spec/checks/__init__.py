"""What may be wrong with a PodSpec, in Kubernetes' words and order."""
