#!/bin/sh
# ?cmd=set&key=K&value=V writes to redis-master, ?cmd=get&key=K reads from redis-slave. Run by lighttpd as a CGI.
. /tmp/environment
parameter() {
    found=$(echo "$QUERY_STRING" | tr '&' '\n' | sed -n "s/^$1=//p" | tr '+' ' ')
    busybox httpd -d "$found"
}
host() {
    if [ "$GET_HOSTS_FROM" = env ]; then
        eval echo "\$REDIS_$1_SERVICE_HOST"
    else
        echo "redis-$(echo "$1" | tr 'A-Z' 'a-z')"
    fi
}
quoted() {
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | tr -d '\n\r'
}
answer() {
    printf 'Status: %s\r\nContent-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n\r\n%s\n' "$1" "$2"
}
key=$(parameter key)
case $(parameter cmd) in
set)
    if said=$(redis-cli -h "$(host MASTER)" set "$key" "$(parameter value)" 2>&1) && [ "$said" = OK ]; then
        answer "200 OK" '{"message": "Updated"}'
    else
        answer "502 Bad Gateway" "{\"error\": \"$(echo "$said" | quoted)\"}"
    fi ;;
get)
    if said=$(redis-cli -h "$(host SLAVE)" get "$key" 2>&1); then
        answer "200 OK" "{\"data\": \"$(printf %s "$said" | quoted)\"}"
    else
        answer "502 Bad Gateway" "{\"error\": \"$(echo "$said" | quoted)\"}"
    fi ;;
*)
    answer "400 Bad Request" '{"error": "cmd is get or set"}' ;;
esac
