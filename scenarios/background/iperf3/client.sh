#!/bin/sh
# client.sh SERVER INDEX: three seconds at full rate, two seconds of rest.
. "$(dirname "$0")/../common.sh"
until iperf3 --client "$1" --port "$((5201 + $2))" --time 3; do sleep 0.5; done
while :; do
  sleep 2
  iperf3 --client "$1" --port "$((5201 + $2))" --time 3
done
