"""How pods outlive the daemon: the records of them, what of them is taken up again, and what is left over and removed."""
