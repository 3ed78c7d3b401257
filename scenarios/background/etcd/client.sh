#!/bin/sh
# client.sh MEMBER…: writes 10 kB to the cluster a few times a second.
. "$(dirname "$0")/../common.sh"
export ETCDCTL_API=3
endpoints=$(printf '%s:2379,' "$@")
until etcdctl --endpoints="${endpoints%,}" --command-timeout=2s endpoint health >/dev/null 2>&1; do sleep 0.3; done
turn=0
while :; do
  turn=$((turn + 1))
  noise 7500 | base64 -w 0 | etcdctl --endpoints="${endpoints%,}" put "key-$((turn % 20))"
  sleep 0.2
done
