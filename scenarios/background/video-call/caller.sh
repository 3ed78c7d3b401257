#!/bin/sh
# caller.sh NAME…: encodes a picture and a tone once and sends both to all of these but itself.
. "$(dirname "$0")/../common.sh"
outputs=
for peer in "$@"; do
  [ "$peer" != "$MESHBEAT_NAME" ] || continue
  outputs="$outputs|[select=v:f=rtp]rtp\\://$peer\\:5004?pkt_size=1200|[select=a:f=rtp]rtp\\://$peer\\:5006?pkt_size=1200"
done
# Picture and sound, and the reports on each.
for port in 5004 5005 5006 5007; do socat -u "UDP4-RECV:$port" OPEN:/dev/null & done
sleep 0.2
announce "caller-$MESHBEAT_NAME"
for peer in "$@"; do await_announced "caller-$peer"; done
exec ffmpeg -nostdin -loglevel error -re -f lavfi -i 'testsrc2=size=320x240:rate=20,noise=alls=8:allf=t' \
  -re -f lavfi -i 'sine=frequency=440:sample_rate=48000' -map 0:v -map 1:a \
  -c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -g 40 -b:v 600k -maxrate 700k -bufsize 100k \
  -c:a libopus -b:a 32k -frame_duration 20 -f tee "${outputs#|}"
