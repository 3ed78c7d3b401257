#!/bin/sh
# client.sh PRIMARY: PostgreSQL's own load generator, 40 transactions a second.
. "$(dirname "$0")/common.sh"
await_announced postgresql-ready
pgbench="$bin/pgbench -h $1 -U postgres"
$pgbench --initialize --init-steps=dtGvp --quiet postgres
$pgbench --no-vacuum --client=2 --rate=40 --time=86400 postgres
