#!/bin/sh
# standby.sh PRIMARY: takes a copy of the primary and streams what comes after.
. "$(dirname "$0")/common.sh"
await_announced postgresql-ready
if ! has_data; then
  make_data
  as_postgres "$bin/pg_basebackup" -h "$1" -U postgres -D "$HOME/data" --wal-method=stream --checkpoint=fast --write-recovery-conf --no-sync
fi
serve
