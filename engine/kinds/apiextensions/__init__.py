"""The kind that defines kinds. What its objects say of others is kept by `kinds/custom/`."""
