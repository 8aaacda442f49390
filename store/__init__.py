"""What happened: the words for it, and the log that keeps them. Imports no other room.

`objects/` are the types of the API; `facts.py`, `events.py` and `commands.py` the vocabulary of the log; `log/` keeps it;
`state.py` is the protocol of what can be read at one revision; `refusals.py` says no. `logger.py` and `tasks.py` are
for all rooms, and stand here because this is the lowest floor.
"""
