#!/bin/sh
# seed.sh TRACKER: makes the file and its torrent, and seeds it.
. "$(dirname "$0")/../common.sh"
if [ ! -e files/file ]; then
  mkdir -p files
  noise 16777216 >files/file
  mktorrent -l 18 -a "http://$1:6969/announce" -o "$MESHBEAT_SHARED/file.torrent" files/file >/dev/null
  announce torrent-ready
fi
exec "$(dirname "$0")/peer.sh" --check-integrity=true
