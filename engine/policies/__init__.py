"""Policies of admission: expressions that must hold of what is to be done, or that change it, where a binding says so.

They are a consultant of the commit (`commit.outside`), asked before the webhooks. Nothing here is waited for: a policy is a
function of the request, of its parameters and of what the view says; only what takes long is worked out in a thread.
"""
