"""What fields hold: the scalars that Kubernetes adds to JSON, quantities, times, durations, schedules; each in its one form."""
