"""Reading a log for people: what an event is about, what it changed, what caused it, one line an event.

Here belongs what is worked out from a log's events, whoever asks and from wherever. It streams and holds little. Not here: how
it looks on a terminal (`cli`), how it travels (`api`), what the state was at a moment (`past`).
"""
