"""How connections are taken in and requests led to who answers them: the server, its door, what is under way, the handler."""
