"""The HTTP API: requests in, commands and views behind, Kubernetes' wire format out.

Here belongs what speaks HTTP: routes, negotiation, authentication, authorization, discovery, OpenAPI, tables, streams. What an
object must look like is admission's business; what a change does is the committer's.
"""
