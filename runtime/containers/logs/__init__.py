"""What containers write: read, turned over when it grows, and kept for a while after they are gone.

Every runtime keeps a container's output in a directory of its own, as `log` in the format of conmon and the CRI; the ones
before it are `log.1`, `log.2`... (`.gz` once they are packed). Who captures it is the runtime's business, and not of this room.
"""
