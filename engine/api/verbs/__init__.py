"""GET and LIST, WATCH, and what becomes a command: POST, PUT, PATCH, DELETE."""
