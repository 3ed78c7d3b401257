#!/bin/sh
# A device that knows all others, and shares one folder with them. Nothing is announced to, or asked of, the internet.
. "$(dirname "$0")/../common.sh"
export STNOUPGRADE=1 STNODEFAULTFOLDER=1
mkdir -p config folder/.stfolder
[ -e config/key.pem ] || syncthing generate --home="$HOME/config" --no-default-folder >/dev/null
syncthing --device-id --home="$HOME/config" >id
mv id "$MESHBEAT_SHARED/$MESHBEAT_NAME.id"

devices=
members=
dials=yes # Of two, the later in the list dials: where both did, each would end what the other began.
for host in $MESHBEAT_HOSTS; do
  await "$MESHBEAT_SHARED/$host.id"
  id=$(cat "$MESHBEAT_SHARED/$host.id")
  members="$members<device id=\"$id\"/>"
  [ "$host" != "$MESHBEAT_NAME" ] || dials=no
  address=dynamic
  [ "$dials" = no ] || address="tcp://$host:22000"
  devices="$devices<device id=\"$id\" name=\"$host\" compression=\"never\"><address>$address</address></device>"
done
cat >config/config.xml <<END
<configuration version="35">
  <folder id="shared" path="$HOME/folder" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">
    $members
  </folder>
  $devices
  <gui enabled="false"/>
  <options>
    <listenAddress>tcp://0.0.0.0:22000</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <reconnectionIntervalS>2</reconnectionIntervalS>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <crashReportingEnabled>false</crashReportingEnabled>
    <startBrowser>false</startBrowser>
  </options>
</configuration>
END

(
  turn=0
  while :; do
    at_next 6
    turn=$((turn + 1))
    noise 400000 >new
    mv new "folder/$MESHBEAT_NAME-$((turn % 5))"
  done
) &
exec syncthing serve --home="$HOME/config" --no-browser --no-restart --no-upgrade
