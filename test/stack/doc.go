// Package stack tests the whole stack: the built collector beside the simulator, a real Prometheus
// that scrapes it and another that receives its remote write, rules, dashboards, a real
// Alertmanager and receivers of its notifications. It needs the build tag stack; see `make
// e2e-stack`.
package stack
