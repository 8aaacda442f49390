"""The kinds of apps: workloads that keep pods of a template."""
