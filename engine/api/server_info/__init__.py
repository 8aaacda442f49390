"""What the server says of itself: health, version, discovery, `/metrics`. What its objects look like is `openapi/`."""
