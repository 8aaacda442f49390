"""The kinds of storagemigration.k8s.io: objects that are to be written anew."""
