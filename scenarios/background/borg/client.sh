#!/bin/sh
# client.sh: changes some of its files and has borg put what is new into a repository on the server, every eight seconds.
. "$(dirname "$0")/../common.sh"
await_announced borg-ready
export BORG_BASE_DIR="$HOME"
export BORG_REPO="ssh://$(cat "$MESHBEAT_SHARED/borg-place")/$MESHBEAT_NAME"
export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_RSH="ssh -q -i $MESHBEAT_SHARED/borg-key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
mkdir -p data
noise 2000000 >data/base
[ -e initialized ] || borg init --encryption none
touch initialized
turn=0
while :; do
  turn=$((turn + 1))
  noise 300000 >"data/part-$((turn % 4))"
  borg create --compression none "::$(date +%s)" data
  at_next 8
done
