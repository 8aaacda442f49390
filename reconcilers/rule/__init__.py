"""What a rule is (a name, what wakes it, `decide`), what it returns, and what rules ask of pods."""
