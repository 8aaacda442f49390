"""How what is measured (metrics.k8s.io) is shown. Nothing of it is stored, so there are no other rules."""
