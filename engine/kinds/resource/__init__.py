"""Kinds of resource.k8s.io: devices, classes of them, and claims on them. Source: pkg/apis/resource of Kubernetes."""
