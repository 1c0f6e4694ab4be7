#!/usr/bin/env bash
# Builds the collector that docs/other-collectors.md shows, word by word, but for where our module comes from: this repository.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
awk '/^```yaml$/ { inside = 1; next } /^```$/ { inside = 0 } inside && /^# builder-config.yaml$/ { found = 1 } inside && found { print } !inside { found = 0 }' \
	docs/other-collectors.md >"$work/builder-config.yaml"
grep -q facefusionreceiver "$work/builder-config.yaml" || {
	echo "own-build: docs/other-collectors.md shows no builder-config.yaml" >&2
	exit 1
}
printf 'replaces:\n  - github.com/otelcol-facefusion/otelcol-facefusion => %s\n' "$root" >>"$work/builder-config.yaml"
go build -modfile=.ci/tools/go.mod -o "$work/builder" go.opentelemetry.io/collector/cmd/builder
cd "$work"
# As the agent is compiled, so that nothing is compiled anew.
GOFLAGS="${GOFLAGS:-} -buildmode=pie" ./builder --config builder-config.yaml
cat >config.yaml <<'YAML'
receivers:
  facefusion:
exporters:
  debug:
service:
  pipelines:
    metrics:
      receivers: [facefusion]
      exporters: [debug]
YAML
my-collector/my-collector validate --config config.yaml
my-collector/my-collector components | grep -q facefusion
echo "own-build: a collector of one's own has the receiver"
