"""The machine below all adapters: its system calls and threads, what differs between machines, the facts of a Node object."""
