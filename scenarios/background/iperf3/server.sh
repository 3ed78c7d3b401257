#!/bin/sh
# server.sh N: a server for each of N clients, as each serves one at a time.
. "$(dirname "$0")/../common.sh"
for index in $(seq 0 $(($1 - 1))); do iperf3 --server --port "$((5201 + index))" & done
wait
