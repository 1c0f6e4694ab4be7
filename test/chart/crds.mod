// The modules that the CustomResourceDefinitions of crd_test.go are read from. Nothing of them is compiled.
module github.com/otelcol-facefusion/otelcol-facefusion/test/chart

go 1.26.0

require (
	github.com/kedacore/keda/v2 v2.18.1
	github.com/open-telemetry/opentelemetry-operator v0.141.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
