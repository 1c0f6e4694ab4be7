#!/usr/bin/env bash
# Starts the stack, or brings it up to date. What is behind it goes to docker compose: ./up.sh --wait
set -euo pipefail
cd "$(dirname "$0")"

./prepare.sh
export STACK_HOST_NAME
STACK_HOST_NAME=$(cat /etc/hostname)
files=(-f compose.yaml)
if ! docker info --format '{{json .Runtimes}}' | grep -q nvidia; then
	echo "Docker has no NVIDIA runtime: starting without GPUs. https://docs.nvidia.com/datacenter/cloud-native/container-toolkit says how to install it." >&2
	files+=(-f without-gpu.yaml)
fi
docker compose "${files[@]}" up --detach --build "$@"
echo "Grafana:    http://127.0.0.1:3000, user admin, password in $PWD/local/secrets/grafana-admin-password"
echo "Prometheus: http://127.0.0.1:9090   Alertmanager: http://127.0.0.1:9093   Jaeger: http://127.0.0.1:16686"
