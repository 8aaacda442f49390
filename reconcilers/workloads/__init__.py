"""Rules that keep pods running as many as wanted: controllers of replicas, and the budgets that protect them."""
