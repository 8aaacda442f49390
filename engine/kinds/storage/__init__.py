"""The kinds of storage.k8s.io: kinds of storage, and who provides it."""
