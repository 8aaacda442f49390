"""The kinds of autoscaling: how many replicas there are to be."""
