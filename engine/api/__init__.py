"""The HTTP API: requests in, commands and views behind, Kubernetes' wire format out.

connection/   the server, its door, the handler that leads a request to who answers it
request/      what a request asks for, read once
verbs/        GET, LIST, WATCH, POST, PUT, PATCH, DELETE
subresource/  parts of objects: scale, token, eviction, logs, exec, port-forward
streams/      how exec, attach and port-forward travel
proxy/        requests that go on to pods, services, nodes
aggregation/  groups that another server answers for
unstored/     what is answered and never stored: reviews, metrics of pods and nodes
response/     what goes back, and in which shape
server_info/  health, version, discovery, /metrics; openapi/: what objects look like
log/          the ship's log over HTTP
kubelet/      what a kubelet serves on its own ports
"""
