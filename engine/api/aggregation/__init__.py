"""Versions of groups that other servers answer for (APIService): found, asked whether they answer, listed, and passed on to.

Source: kube-aggregator. Who asks is authenticated and authorized here; the other server is told who it is, under a certificate
that says that it may believe that.
"""
