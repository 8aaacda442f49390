#!/bin/sh
# What is exported: a volume of the pod where one is mounted there, else a disk in memory; the layers of an image cannot be.
set -e
data=/mnt/data
/bin/busybox mkdir -p "$data" /var/run/ganesha /var/lib/nfs/ganesha
/bin/busybox grep -q " $data " /proc/mounts || /bin/busybox mount -t tmpfs -o mode=1777,size=64m data "$data"
[ -e "$data/index.html" ] || /bin/busybox cp /srv/index.html "$data/"
[ -e /etc/mtab ] || /bin/busybox ln -s /proc/self/mounts /etc/mtab
exec /usr/bin/ganesha.nfsd -F -f /etc/ganesha.conf -p /var/run/ganesha.pid -L /dev/stderr
