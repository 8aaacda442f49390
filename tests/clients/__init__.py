"""Stock clients against a served cluster of simulated nodes. Those against real containers are in tests/e2e."""
