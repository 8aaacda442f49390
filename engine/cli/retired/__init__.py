"""Commands that kubectl had and has no more: rolling-update, update, stop, namespace, and run as it made controllers.

They are clients like kubectl: all that they do is requests over HTTPS, as the user of a kubeconfig. What belongs to the other
commands about a machine's cluster or its log is not here.
"""
