// Package deploy tests what deploy/ has for Prometheus and Alertmanager with their own code: every
// metric that is used exists, every alert has a runbook and tests, and the messages that people get
// say what they should.
package deploy
