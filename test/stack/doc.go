// Package stack holds the test of everything together: the built collector over the simulator, a
// real Prometheus that scrapes it and another that it writes to, rules, dashboards, a real
// Alertmanager, and somebody who is told. It is compiled with the tag stack; see `make e2e-stack`.
package stack
