"""The API's objects, and which kinds of them there are.

    types/        the types, generated, a module each group and version
    values/       what fields hold: quantities, times, durations
    wire/         JSON, YAML, protobuf
    fields/       objects field by field: shapes, schemas, who owns what
    patch/        JSON patch, merge patch, strategic merge patch
    conversions/  one kind in several versions

`scheme` is the kinds as a value, `builtin` those that every cluster has, `custom` those that definitions make.
"""
