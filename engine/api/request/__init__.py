"""What a request asks for, read once: head, path, forms and versions wanted, which objects, and of which moment (`/at/`)."""
