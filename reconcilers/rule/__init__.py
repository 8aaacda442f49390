"""What a rule is (a name, what wakes it, `decide`), what it returns, and what rules ask of pods.

No rule's words are here: what a decision says of itself, and its Kubernetes Events, each rule words in its own `decide`.
"""
