#!/bin/sh
# An rsync daemon with one module, into which anyone may write.
. "$(dirname "$0")/../common.sh"
mkdir -p backup
{
  echo 'port = 873'
  echo 'use chroot = no'
  [ "$(id -u)" -ne 0 ] || printf 'uid = root\ngid = root\n'
  printf '[backup]\npath = %s/backup\nread only = no\n' "$HOME"
} >rsyncd.conf
announce_when rsync-ready rsync rsync://localhost/
exec rsync --daemon --no-detach --config=rsyncd.conf --log-file=/dev/stderr
