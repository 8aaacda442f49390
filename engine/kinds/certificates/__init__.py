"""The kinds of certificates.k8s.io: who asks for certificates, and whom one trusts."""
