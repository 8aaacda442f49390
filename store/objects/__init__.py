"""The API's objects: a module of frozen Structs for each group and version (generated), the table of kinds, JSON, protobuf and
patches. What a kind's objects must look like to be accepted is the engine's business.
"""
