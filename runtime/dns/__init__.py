"""A name server's outside: sockets, packets, and who else is asked. What the names of a cluster are is told by `engine/dns`.

Here belong the wire (UDP, TCP, EDNS), what protects the server from who asks it, and forwarding. Names and views do not.
"""
