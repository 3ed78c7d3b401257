#!/bin/sh
# primary.sh ARCHIVE: a new cluster that anyone may stream from, and that copies its log to the archive.
. "$(dirname "$0")/common.sh"
if ! has_data; then
  make_data
  as_postgres "$bin/initdb" -D "$HOME/data" --username=postgres --auth=trust --wal-segsize=1 --no-sync --no-locale >/dev/null
  printf 'host all all all trust\nhost replication all all trust\n' >>data/pg_hba.conf
  cat >>data/postgresql.conf <<END
archive_mode = on
archive_timeout = 5
archive_command = 'rsync --quiet %p rsync://$1/backup/%f'
fsync = off
min_wal_size = 8MB
max_wal_size = 32MB
END
fi
await_announced rsync-ready
announce_when postgresql-ready "$bin/pg_isready" -h localhost -U postgres
serve
