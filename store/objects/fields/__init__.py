"""Objects field by field: what a type is made of, what a schema says, who owns which fields, how two differ and are merged."""
