"""What an object says when it says nothing: the defaults of each kind, as pure functions from object to object.

Source: pkg/apis/core/v1/defaults.go of Kubernetes 1.32, and its conversions where two fields say one thing.
"""
