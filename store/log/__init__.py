"""The log: the protocol (`event_log`), SQLite and memory, and what keeps a file honest: checksums, locks, retention.

Each batch is synced by the commit of `sqlite_connection` (synchronous=FULL). Where the disk is full `disk_full` makes room and
lets through what is urgent; what that is, says engine/commit/writes_on_full_disk.py. Below the connection is `disk_seam`, where
a simulator puts a disk of its own.
"""
