"""For tests of what talks to a cluster: time that is advanced, faults that are scripted, answers that are made up; the pytest
plugin. Users import it as `shipslog.testing`. What Shipslog's own simulator needs besides stands with it (tests/simulation)."""
