"""What goes back: replies, the shapes of objects (tables, YAML), lists in parts, and where streams go."""
