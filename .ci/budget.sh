#!/usr/bin/env bash
# The budgets of the built binary: its size, what it takes at rest, what the receiver adds to an empty pipeline of the same build, and, where this may make
# namespaces, what it costs beside an empty collector and the floor on a simulated host (make cost-check).
set -euo pipefail
cd "$(dirname "$0")/.."

max_size=$((74 * 1000 * 1000)) # bytes, stripped; 8.4 MB of it are the relocations of a position-independent program
max_rest=$((80 * 1024))        # KiB resident, agent configuration
max_more=$((10 * 1024))        # KiB of its own, against an empty pipeline: which pages of the program's file are in memory is the kernel's choice

fail() {
	echo "budget: $1" >&2
	exit 1
}

# rest FILE... prints the resident memory of the collector half a minute after its start, and what of it is its own, in KiB. Its ports are free ones.
rest() {
	local arguments=() file
	for file in "$@"; do arguments+=(--config "$file"); done
	bin/otelcol-facefusion "${arguments[@]}" \
		--set exporters::prometheus::endpoint=127.0.0.1:0 --set extensions::health_check::endpoint=127.0.0.1:0 \
		--set service::telemetry::metrics::level=none >"_build/rest-$#.log" 2>&1 &
	local pid=$!
	sleep 30
	awk '/^VmRSS|^RssAnon/ {printf "%s ", $2}' "/proc/$pid/status" || { cat "_build/rest-$#.log" >&2; return 1; }
	kill "$pid"
	wait "$pid" || true
}

size=$(stat -c %s bin/otelcol-facefusion)
# Both at the same time.
exec 3< <(rest config/agent.yaml) 4< <(rest config/agent.yaml .ci/empty-pipeline.yaml)
read -r agent own <&3 || [ -n "$own" ] # its line has no end
read -r empty empty_own <&4 || [ -n "$empty_own" ]
echo "size of the binary: $size bytes, at most $max_size"
echo "resident at rest: $agent KiB, at most $max_rest"
echo "of its own, more than an empty pipeline: $((own - empty_own)) KiB, at most $max_more ($((agent - empty)) KiB resident)"
[ "$size" -le "$max_size" ] || fail "the binary is larger than its budget"
[ "$agent" -le "$max_rest" ] || fail "it has more memory at rest than its budget"
[ $((own - empty_own)) -le "$max_more" ] || fail "it has more memory of its own than its budget"

if [ "$(id -u)" = 0 ]; then
	.ci/cost.sh own -short
else
	echo "what it costs was not measured: that needs root" # as the tests of namespaces do
fi
