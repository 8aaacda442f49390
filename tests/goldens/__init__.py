"""What was written once and must be read for ever. `python -m tests.goldens.make NAME` makes a log of today's format."""
