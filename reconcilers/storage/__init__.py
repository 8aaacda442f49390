"""Storage for pods: volumes are bound to claims, made, grown, given back and protected. The disk itself is the runtime's."""
