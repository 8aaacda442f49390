"""The HTTP API: requests in, commands and views behind, Kubernetes' wire format out.

Here belongs what speaks HTTP: routes, negotiation, discovery, OpenAPI, tables, streams. Who may do what is `auth`'s, what an
object must look like is admission's, what a change does is the committer's.
"""
