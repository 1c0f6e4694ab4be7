#!/usr/bin/env bash
# Builds the real Prometheus, Alertmanager, their tools and pint into .cache/prometheus, in the versions of the modules beside this and in .ci/pint.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Of the service discoveries, file, http and static are enough here; the others are most of the code.
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false -tags=remove_all_sd"
mkdir -p .cache/prometheus
go build -modfile=.ci/prometheus/go.mod -o .cache/prometheus/ \
	github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool github.com/prometheus/alertmanager/cmd/amtool

# Alertmanager embeds a web UI that its release has and its module has not. A copy of the module gets a placeholder instead: what is tested here is what it sends.
source=$(go list -modfile=.ci/prometheus/alertmanager.mod -m -f '{{.Dir}}' github.com/prometheus/alertmanager)
copy=.cache/prometheus/src/alertmanager-${source##*@}
if [ ! -d "$copy" ]; then
	mkdir -p .cache/prometheus/src
	cp -r "$source" "$copy.new"
	chmod -R u+w "$copy.new"
	mkdir -p "$copy.new/ui/app/dist"
	echo '<title>Alertmanager without its UI</title>' > "$copy.new/ui/app/dist/index.html"
	mv "$copy.new" "$copy"
fi
cp .ci/prometheus/alertmanager.mod .cache/prometheus/
cp .ci/prometheus/alertmanager.sum .cache/prometheus/
go mod edit -replace="github.com/prometheus/alertmanager=$PWD/$copy" .cache/prometheus/alertmanager.mod
go build -modfile=.cache/prometheus/alertmanager.mod -o .cache/prometheus/ github.com/prometheus/alertmanager/cmd/alertmanager

go build -modfile=.ci/pint/go.mod -o .cache/prometheus/ github.com/cloudflare/pint/cmd/pint
