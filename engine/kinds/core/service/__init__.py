"""Services: what they look like, their defaults and checks, the addresses and node ports that they are given."""

from .strategy import ServiceStrategy

STRATEGY = ServiceStrategy()
