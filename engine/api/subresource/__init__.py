"""Requests for parts of objects: scale, token, binding, eviction, logs, exec, attach, port-forward; the proxy is `proxy/`."""
