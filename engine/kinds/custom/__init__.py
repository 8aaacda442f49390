"""What a definition of a kind says of its objects: which fields stay, what is filled in, what is wrong, how a table shows them.

No kinds of the cluster's own, and nothing of how definitions themselves are checked (`kinds/apiextensions/`).
"""
