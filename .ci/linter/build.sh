#!/usr/bin/env bash
# Builds Grafana's dashboard-linter into .cache/linter, without what needs modules of Grafana that are not on the module proxy: LogQL and the second schema of dashboards.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CGO_ENABLED=0 GOFLAGS="-buildvcs=false -tags=remove_all_sd"
go mod download -modfile=.ci/linter/go.mod github.com/grafana/dashboard-linter
source=$(go list -modfile=.ci/linter/go.mod -m -f '{{.Dir}}' github.com/grafana/dashboard-linter)
copy=.cache/linter/src
rm -rf "$copy"
mkdir -p "$copy"
cp -r "$source/lint" "$copy/"
chmod -R u+w "$copy"
rm -f "$copy"/lint/v2.go "$copy"/lint/rule_target_logql*.go "$copy"/lint/*_test.go
cp .ci/linter/main.go "$copy/"
cp .ci/linter/lint/without.go "$copy/lint/"
cp .ci/linter/linter.mod "$copy/go.mod"
cp .ci/linter/linter.sum "$copy/go.sum"
cd "$copy"
go build -o .. .
