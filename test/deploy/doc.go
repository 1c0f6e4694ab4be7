// Package deploy tests what deploy/ has for Prometheus and Alertmanager with their own code: every
// metric that is used exists, every alert has a runbook and tests, and the messages have the
// expected texts.
package deploy
