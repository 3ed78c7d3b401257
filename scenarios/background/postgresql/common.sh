# What primary and standby share.
. "$(dirname "$0")/../common.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  else
    "$@"
  fi
}

# A host that is back from a crash has its data.
has_data() {
  [ -e data/PG_VERSION ]
}

make_data() {
  mkdir -p data socket
  chmod 700 data socket
  [ "$(id -u)" -ne 0 ] || chown postgres:postgres data socket
}

serve() {
  as_postgres "$bin/postgres" -D "$HOME/data" -c "unix_socket_directories=$HOME/socket" -c listen_addresses='*'
}
