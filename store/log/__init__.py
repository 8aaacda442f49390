"""The log: the protocol (`event_log`), SQLite and memory, and what keeps a file honest: checksums, locks, retention.

Each batch is synced by the commit of `sqlite_connection` (synchronous=FULL). On a full disk `disk_full` says what is still
written. Below the connection is `disk_seam`, where a simulator puts a disk of its own.
"""
