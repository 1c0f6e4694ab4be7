#!/usr/bin/env bash
# Builds what `make cost` compares the agent with into .cache/exporters: three exporters of others (not with "own"), and the stand-ins and the program of test/cost.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$PWD/.cache/exporters
mkdir -p "$out"
[ "${1:-all}" = own ] || (
	cd .ci/exporters
	CGO_ENABLED=0 go build -o "$out/" github.com/prometheus/blackbox_exporter github.com/prometheus/node_exporter
	CGO_ENABLED=0 go build -modfile=process.mod -o "$out/" github.com/ncabatoff/process-exporter/cmd/process-exporter
)
cd test/cost
go build -o "$out/cost" .
go build -o "$out/" ./gpuexporter ./floor
