"""The log: the protocol (`event_log`), SQLite and memory, and what keeps a file honest: checksums, locks, retention."""
