// Apart from the collector: it needs Prometheus' translation of names, in the version of test/deploy/go.mod.
module github.com/otelcol-facefusion/otelcol-facefusion/docs/generate

go 1.26.7

require (
	github.com/prometheus/otlptranslator v1.0.0
	go.yaml.in/yaml/v3 v3.0.5
)
