"""Who asks, and what they may: certificates, service account tokens, impersonation, the fixed rules of authorization.

How an identity travels over HTTP is `api`'s; here is what it means.
"""
