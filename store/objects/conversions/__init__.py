"""How a kind looks in versions other than the one that is stored: a module for each pair that differs in more than a name.

Each has `to_hub(obj)` and `from_hub(obj)`, and FIELDS: what the selectable fields are called in both. They are pure, and lose
nothing that the other version can say. What admission does about an object does not belong here.
"""
