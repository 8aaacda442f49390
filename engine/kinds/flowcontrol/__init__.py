"""The kinds of flowcontrol.apiserver.k8s.io: which requests come first."""
