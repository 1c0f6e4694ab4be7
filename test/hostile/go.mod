// The attacks and faults against the built collector, with real users, namespaces and
// shares. A module of its own: a FUSE server has no place among the collector's modules.
module github.com/otelcol-facefusion/otelcol-facefusion/test/hostile

go 1.26.7

require (
	github.com/hanwen/go-fuse/v2 v2.12.1
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.28.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
