"""For tests of what talks to a cluster: time that is advanced, faults that are scripted, answers that are made up; the pytest
plugin; the simulator. Users import it as `shipslog.testing`. Nothing that serves a cluster belongs here."""
