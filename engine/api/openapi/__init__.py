"""OpenAPI v2 and v3, made from the types themselves: what `kubectl create`, `apply` and `explain` read.

Each document is made when it is first asked for, and kept.
"""

from .gnostic import MEDIA_TYPE as PROTOBUF
from .gnostic import encode as as_protobuf
from .v2 import document as v2
from .v3 import document as v3
from .v3 import index as v3_index

__all__ = ["PROTOBUF", "as_protobuf", "v2", "v3", "v3_index"]
