"""How objects travel: JSON, YAML and protobuf, read along their types and written."""
