"""The types of the API, a module each group and version: `generate` prints them from tables of facts, nobody by hand."""
