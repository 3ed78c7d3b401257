#!/bin/sh
# A test picture with noise in it, so that it takes the bits it is given, in segments of two seconds.
. "$(dirname "$0")/../common.sh"
mkdir -p www
cat >nginx.conf <<END
daemon off;
pid $HOME/nginx.pid;
error_log stderr;
worker_processes 1;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $TMPDIR/body;
  proxy_temp_path $TMPDIR/proxy;
  fastcgi_temp_path $TMPDIR/fastcgi;
  uwsgi_temp_path $TMPDIR/uwsgi;
  scgi_temp_path $TMPDIR/scgi;
  types {
    application/vnd.apple.mpegurl m3u8;
    video/mp2t ts;
  }
  server {
    listen 80;
    root $HOME/www;
  }
}
END
nginx -e stderr -c "$HOME/nginx.conf" &
announce_when hls-ready test -e www/live2.ts
exec ffmpeg -nostdin -loglevel error -re -f lavfi -i 'testsrc2=size=640x360:rate=25,noise=alls=12:allf=t' \
  -c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -g 50 -b:v 2M -maxrate 2M -bufsize 1M \
  -f hls -hls_time 2 -hls_list_size 6 -hls_flags delete_segments www/live.m3u8
