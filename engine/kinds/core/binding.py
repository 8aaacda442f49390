"""Bindings: posted to the collection, they give the pod of their name its node. None is stored.

Tests: tests/engine/api/subresource/test_subresources.py
"""

from shipslog.engine.kinds.strategy import Strategy

from .pod.binding import POSTED


class BindingStrategy(Strategy):
    about = "Gives a pod its node."
    posted = POSTED


STRATEGY = BindingStrategy()
