#!/usr/bin/env bash
# Collects what the built collector shows over the simulator: pages.sh FOLDER SECONDS. Has to be run in namespaces of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1 seconds=$2
ip link set lo up
# A bridge takes the place of the network card, else there would be loopback alone.
ip link add eth0 type bridge

# As Prometheus 3 asks: with another header, some labels have other names.
page() {
	curl -fsS -H 'Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4' "http://$1/metrics" > "$2" || rm "$2"
}

bin/simulator --duration "${seconds}s" -- bin/otelcol-facefusion --config config/agent.yaml --config config/more-attributes.yaml --config config/demo.yaml > "$folder/log" 2>&1 &
n=0
while sleep 20 && kill -0 $! 2>/dev/null; do
	n=$((n + 1))
	page 127.0.0.1:9464 "$folder/seen.$n"
	page 127.0.0.1:9466 "$folder/own.$n"
done
wait
