#!/bin/bash
# healthy.sh PORT [PATH]: whether something listens on the port here, and answers a GET of the path with 200.
#
# For health checks. Plain bash, since there may be many nodes on few cores, and a Node process for each check of
# each node would cost more than what it checks.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
[ $# -gt 1 ] || exit 0
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ]
