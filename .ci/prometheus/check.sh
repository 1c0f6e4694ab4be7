#!/usr/bin/env bash
# What deploy/ has for Prometheus and Alertmanager, checked by their own programs and, in test/deploy, by their own code.
set -euo pipefail
cd "$(dirname "$0")/../.."

.ci/prometheus/build.sh
# As there: what was compiled is used again.
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false -tags=remove_all_sd"
bin=.cache/prometheus

.ci/linter/build.sh
.cache/linter/dashboard-linter .ci/linter/exceptions.yml deploy/grafana/dashboards/*.json deploy/grafana/dashboards/zh/*.json

cd deploy/prometheus
promtool=../../$bin/promtool amtool=../../$bin/amtool
"$promtool" check config prometheus.yml
# Their secrets are on no machine but the user's.
"$promtool" check config --syntax-only prometheus-basic-auth.yml prometheus-tls.yml
"$promtool" check rules --lint=all --lint-fatal rules/*.yml rules/alerts/*.yml
"$promtool" check rules --lint=all --lint-fatal rules-zh/*.yml rules-zh/alerts/*.yml
(cd generate && go vet ./... && go test -count=1 ./...)
"$promtool" test rules tests/*_test.yml

cd ../alertmanager
"$amtool" check-config alertmanager.yml
while read -r receiver labels; do
	# shellcheck disable=SC2086 # the labels are several words
	"$amtool" config routes test --config.file=alertmanager.yml --verify.receivers="$receiver" $labels
done <<-END
	watchdog alertname=Watchdog severity=info
	call alertname=FaceFusionServerDown severity=critical
	chat alertname=HighGPUUsage severity=warning
	mail alertname=GPUPowerCapped severity=info
	mail alertname=SomebodyElse
END

cd ../../test/deploy
go vet ./...
# Not from the cache: it does not know files outside of this module.
go test -count=1 ./...
