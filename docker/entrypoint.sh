#!/bin/sh
# `docker run IMAGE WORDS` is `meshbeat WORDS`, as the right user and with no more power than the words need.
#
# - A node needs NET_ADMIN, for its network device and routes, also in the programs it calls. Docker gives the
#   capabilities of a container to root alone; with-net-admin has them in its file and hands them on. With
#   SYS_NICE, where it was given, the shaper's thread gets its turn in time on a busy machine.
# - Who writes to /runs becomes the folder's owner, so that the files are theirs who cloned the project. For that
#   such a container starts as root with SETUID and SETGID, and is nobody special from here on.
# - Everything else stays who it is: the image's user `node`.
#
# Nothing of this stays in memory: each way ends in exec.
set -eu
meshbeat=/opt/meshbeat/bin/meshbeat.js

refuse() {
  echo "meshbeat: $1" >&2
  exit 2
}

as_node() {
  for powers in +net_admin,+sys_nice +net_admin; do
    set_powers="with-net-admin --inh-caps $powers --ambient-caps $powers --"
    if $set_powers true 2>/dev/null; then
      [ -c /dev/net/tun ] || refuse "a node needs --device /dev/net/tun"
      $set_powers sh -c ': <>/dev/net/tun' 2>/dev/null ||
        refuse "a node must open /dev/net/tun, which this host lets only its owner do: chmod 666 /dev/net/tun there"
      exec $set_powers node "$meshbeat" "$@"
    fi
  done
  refuse "a node needs --cap-add NET_ADMIN --device /dev/net/tun, and not no-new-privileges"
}

case " $* " in
*" --help "* | *" -h "*) ;;
" node "*) as_node "$@" ;;
*)
  if [ "$(id -u)" -eq 0 ] && [ -d /runs ]; then
    export HOME=/tmp
    owner=$(stat -c %u /runs)
    group=$(stat -c %g /runs)
    exec setpriv --reuid "$owner" --regid "$group" --clear-groups -- node "$meshbeat" "$@"
  fi
  ;;
esac
exec node "$meshbeat" "$@"
