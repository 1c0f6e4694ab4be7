#!/usr/bin/env bash
# Everything that is wrong without being run.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	printf 'check: %s\n' "$1" >&2
	exit 1
}

# Generated code is what metadata.yaml says now.
generated() { git ls-files -z '*generated_*' '*documentation.md' docs/metrics.md '*/testdata/config.yaml' 'deploy/grafana/dashboards/*.json' 'deploy/grafana/dashboards/zh/*.json' \
	'deploy/prometheus/rules*' 'deploy/alertmanager/templates*' deploy/kubernetes/prometheus-rules.yaml deploy/kubernetes/pod-monitor.yaml | xargs -0 sha256sum; }
before=$(generated)
make --no-print-directory generate
[ "$before" = "$(generated)" ] || fail "generated code is out of date: commit what 'make generate' wrote"

unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
[ -z "$unformatted" ] || fail "not formatted, run 'make format': $unformatted"

# Comments are wrapped at 100 columns.
wide=$(git ls-files -z '*.go' | xargs -0 go run ./internal/reflow -l || true)
[ -z "$wide" ] || fail "comments are wider than 100 columns, run 'make format': $wide"

# All modules of the Collector belong to one version train.
strays=$(grep -hE '^\s+go\.opentelemetry\.io/collector' go.mod | awk '{print $1, $2}' | grep -vE ' (v0\.159\.0|v1\.65\.0)$' || true)
[ -z "$strays" ] || fail "off the version train: $strays"
go mod tidy -diff >/dev/null || fail "go.mod is not tidy: run 'go mod tidy'"

# As the agent is compiled, so that the build after it compiles nothing anew.
GOFLAGS="$GOFLAGS -buildmode=pie" go vet ./...
GOFLAGS="$GOFLAGS -buildmode=pie" go vet -tags e2e,gradio,servers,durability,traces,series,install,upgrade,nogpu,ledger,soak,real,deployments ./test/...
# The collector compiles where there is no cgo and no NVML: the driver is a stub there.
CGO_ENABLED=0 go vet ./internal/... ./receiver/...

# What is shipped names no name that resolution may not know.
! grep -rnE '^[^#]*localhost' config/ || fail "write 127.0.0.1, not localhost: it is nothing where /etc/hosts is missing"

make --no-print-directory lint
