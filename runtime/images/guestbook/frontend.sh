#!/bin/sh
# The page and its CGI, which finds here what the container's environment is: a web server gives it only what is of the request.
export -p > /tmp/environment
exec lighttpd -D -f /etc/lighttpd.conf
