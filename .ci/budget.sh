#!/usr/bin/env bash
# The budgets of the built binary: its size, what it takes at rest, and what the receiver adds to an empty pipeline of the same build.
set -euo pipefail
cd "$(dirname "$0")/.."

max_size=$((65 * 1000 * 1000)) # bytes, stripped
max_rest=$((80 * 1024))        # KiB resident, agent configuration
max_more=$((10 * 1024))        # KiB resident, against an empty pipeline

# rest FILE... prints the resident memory, in KiB, of the collector half a minute after its start. Its ports are free ones.
rest() {
	local arguments=() file
	for file in "$@"; do arguments+=(--config "$file"); done
	bin/otelcol-facefusion "${arguments[@]}" \
		--set exporters::prometheus::endpoint=127.0.0.1:0 --set extensions::health_check::endpoint=127.0.0.1:0 \
		--set service::telemetry::metrics::level=none >_build/rest.log 2>&1 &
	local pid=$!
	sleep 30
	awk '/^VmRSS/ {print $2}' "/proc/$pid/status" || { cat _build/rest.log >&2; return 1; }
	kill "$pid"
	wait "$pid" || true
}

size=$(stat -c %s bin/otelcol-facefusion)
agent=$(rest config/agent.yaml)
empty=$(rest config/agent.yaml .ci/empty-pipeline.yaml)
echo "size of the binary: $size bytes, at most $max_size"
echo "resident at rest: $agent KiB, at most $max_rest"
echo "more than an empty pipeline ($empty KiB): $((agent - empty)) KiB, at most $max_more"
[ "$size" -le "$max_size" ] && [ "$agent" -le "$max_rest" ] && [ $((agent - empty)) -le "$max_more" ]
