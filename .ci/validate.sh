#!/usr/bin/env bash
# Every configuration that we ship is one that the built collector accepts. Files that say they come second are read after agent.yaml.
set -euo pipefail
cd "$(dirname "$0")/.."

for file in config/*.yaml; do
	arguments=(--config config/agent.yaml)
	[ "$file" = config/agent.yaml ] || arguments+=(--config "$file")
	echo "validate ${arguments[*]}"
	bin/otelcol-facefusion validate "${arguments[@]}"
done
