# What the scripts of these scenarios share; each begins with `. "$(dirname "$0")/../common.sh"`.
set -eu

# Waits until a file is there.
await() {
  until [ -e "$1" ]; do sleep 0.1; done
}

# Tells all hosts that something is ready, by a name.
announce() {
  touch "$MESHBEAT_SHARED/$1"
}

# Waits until it is.
await_announced() {
  await "$MESHBEAT_SHARED/$1"
}

# Announces a name as soon as a command succeeds, which is tried again and again in the background.
announce_when() {
  name=$1
  shift
  (until "$@" >/dev/null 2>&1; do sleep 0.1; done && announce "$name") &
}

# Sleeps until the clock shows a multiple of so many seconds, as cron does: all hosts wake at once.
at_next() {
  sleep "$(date +%s.%N | awk -v every="$1" '{ print every - $1 % every }')"
}

# So many bytes that can't be compressed.
noise() {
  head -c "$1" /dev/urandom
}
