"""Volumes that something other than this node holds: shares of servers, disks over the network, what a driver brings.

The seam is `mounter.py`: one plugin for each field of a Volume, each of which runs the real tools of its kind. What is
mounted is written down beside the pod's volumes, so that a daemon that was killed finds what it has to take back.
"""
