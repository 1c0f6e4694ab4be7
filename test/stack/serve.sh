#!/usr/bin/env bash
# A Prometheus with a simulated day of a FaceFusion fleet behind it, for dashboards and by hand: test/stack/serve.sh [PORT] [HOSTS]
#
# The series are those that the built collector shows over the simulator; what they say is made up by test/stack/history. Everything is kept in .cache/stack: run it
# with FRESH=1 to make the history anew, for example after a change of the metrics, or because it ends when it was made.
# Needs root for a network and process namespace of its own: a collector sees every FaceFusion of the machine, and its ports are fixed.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=${1:-9090} hosts=${2:-2} seconds=${SECONDS_OF_PAGES:-200}
work=$PWD/.cache/stack
export CGO_CFLAGS="-O2 -g -Wno-deprecated-declarations" GOFLAGS=-buildvcs=false

if [ "${FRESH:-}" ] || [ ! -d "$work/data" ]; then
	rm -rf "$work/data" "$work/pages"
	mkdir -p "$work/pages"
	(cd test/stack && go build -tags remove_all_sd -o "$work/backfill" ./backfill)
	# A page every 20 seconds: some series come late, and some go again.
	unshare --pid --fork --net --mount-proc test/stack/pages.sh "$work/pages" "$seconds"
	end=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	"$work/backfill" -end "$end" -dir "$work/data" -hosts "$hosts" \
		-page "$(printf '%s\n' "$work"/pages/seen.* | sort -rV | paste -sd,)" -own "$(printf '%s\n' "$work"/pages/own.* | sort -rV | paste -sd,)" \
		-rules "$(printf '%s\n' deploy/prometheus/rules/*.yml deploy/prometheus/rules/alerts/*.yml | paste -sd,)"
	echo "$end" > "$work/end"
fi
echo "The history ends at $(cat "$work/end"): look at the day before that, as nothing goes on from there."
[ -x .cache/prometheus/prometheus ] || .ci/prometheus/build.sh
# Neither scrapes nor rules: the history has both.
echo 'global: {scrape_interval: 15s}' > "$work/prometheus.yml"
exec .cache/prometheus/prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=400d \
	--storage.tsdb.max-block-duration=2h --web.listen-address="127.0.0.1:$port"
