"""Kinds of apiregistration.k8s.io: who answers for a version of a group."""
