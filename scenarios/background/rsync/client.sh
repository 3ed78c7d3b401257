#!/bin/sh
# client.sh SERVER: changes some of its files and copies them to the server, every five seconds.
. "$(dirname "$0")/../common.sh"
mkdir -p data
noise 2000000 >data/base
await_announced rsync-ready
turn=0
while :; do
  turn=$((turn + 1))
  noise 400000 >"data/part-$((turn % 4))"
  at_next 5
  rsync --archive "data/" "rsync://$1/backup/$MESHBEAT_NAME/"
done
