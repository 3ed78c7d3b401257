#!/bin/sh
# viewer.sh STUDIO: fetches the stream as a player does, and shows it to nobody.
. "$(dirname "$0")/../common.sh"
await_announced hls-ready
exec ffmpeg -nostdin -loglevel error -i "http://$1/live.m3u8" -c copy -f null -
