"""The past of a cluster: what a moment is (`-5m`, `10:32`, a revision), the view of that moment (`/at/`), and a log that nobody
writes, read and verified (`replay`). Its way through HTTP is engine/api/request/past.py.

The clock belongs to engine/time, what people read of a log to engine/chronicle.
"""
