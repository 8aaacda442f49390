"""The kinds of admissionregistration.k8s.io: who is asked outside before something is done."""
