#!/usr/bin/env bash
# cost.sh own|all [ARGUMENTS]: builds the program of test/cost and what it measures (own: without the exporters of others), and runs it in namespaces of its own; needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

.ci/exporters/build.sh "$1"
[ -x bin/simulator ] || go build -o bin/simulator ./simulator
shift
# shellcheck disable=SC2016 # the inner shell expands them
exec unshare -mpn --fork --mount-proc sh -c 'mkdir -p /run/netns && mount -t tmpfs netns /run/netns && ip link set lo up && exec .cache/exporters/cost "$@"' cost "$@"
