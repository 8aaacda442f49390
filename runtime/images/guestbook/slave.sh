#!/bin/sh
# A copy of redis-master that follows it. GET_HOSTS_FROM=env: the master's address comes from the Service's variables.
if [ "$GET_HOSTS_FROM" = env ]; then
    master=$REDIS_MASTER_SERVICE_HOST
else
    master=redis-master
fi
exec redis-server --bind 0.0.0.0 --protected-mode no --save "" --dir /data --replicaof "$master" "${REDIS_MASTER_SERVICE_PORT:-6379}"
