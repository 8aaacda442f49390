"""What must hold for an object of each kind: functions that add what is wrong to `Faults` and change nothing.

Paths are made only where something nests or is wrong, so an object that is right costs little. Source: pkg/apis/*/validation
of Kubernetes 1.32.
"""
