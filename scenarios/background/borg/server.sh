#!/bin/sh
# An ssh server that lets in who has the key of this run, which is made here and dies with it.
. "$(dirname "$0")/../common.sh"
mkdir -p repositories
mount -t tmpfs -o mode=755 run /run # Of this program only; sshd wants a folder there.
mkdir /run/sshd
for key in host-key "$MESHBEAT_SHARED/borg-key"; do
  [ -e "$key" ] || ssh-keygen -q -t ed25519 -N '' -f "$key"
done
chmod 600 "$MESHBEAT_SHARED/borg-key"
cat >sshd_config <<END
Port 22
HostKey $HOME/host-key
AuthorizedKeysFile $MESHBEAT_SHARED/borg-key.pub
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
END
echo "$(id -un)@$MESHBEAT_NAME$HOME/repositories" >"$MESHBEAT_SHARED/borg-place"
announce_when borg-ready ssh-keyscan -T 1 127.0.0.1
exec /usr/sbin/sshd -D -e -f "$HOME/sshd_config"
