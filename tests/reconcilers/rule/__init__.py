"""Tests of what a rule is."""
