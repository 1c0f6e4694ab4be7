#!/usr/bin/env bash
# Collects what the built collector shows over the simulator: pages.sh FOLDER SECONDS. Has to be run in namespaces of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1 seconds=$2
ip link set lo up
# Without a network card there would be loopback alone.
ip link add eth0 type dummy 2>/dev/null && ip link set eth0 up || true

bin/simulator --duration "${seconds}s" -- bin/otelcol-facefusion --config config/agent.yaml --config config/demo.yaml > "$folder/log" 2>&1 &
n=0
while sleep 20 && kill -0 $! 2>/dev/null; do
	n=$((n + 1))
	curl -fsS -H 'Accept: application/openmetrics-text;version=1.0.0' http://127.0.0.1:9464/metrics > "$folder/seen.$n" || rm "$folder/seen.$n"
	curl -fsS http://127.0.0.1:8888/metrics > "$folder/own.$n" || rm "$folder/own.$n"
done
wait
