// Grafana's dashboard-linter, to be downloaded. What it is compiled with is in linter.mod: its own list of modules has some that are not on the module proxy.
module github.com/otelcol-facefusion/otelcol-facefusion/.ci/linter

go 1.26.7

require github.com/grafana/dashboard-linter v0.2.0
