#!/bin/sh
# peer.sh [OPTION…]: takes part in the swarm until it is stopped.
. "$(dirname "$0")/../common.sh"
await_announced torrent-ready
exec aria2c --no-conf=true --async-dns=false --enable-dht=false --bt-enable-lpd=false --listen-port=6881 \
  --seed-ratio=0 --bt-tracker-interval=5 --file-allocation=none --disable-ipv6=true --summary-interval=0 \
  --console-log-level=warn --show-console-readout=false --dir=files "$@" "$MESHBEAT_SHARED/file.torrent"
