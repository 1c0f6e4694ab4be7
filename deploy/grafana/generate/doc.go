// Command generate writes the Grafana dashboards. Each dashboard is one file of this folder, with
// the queries, the texts and the kind of each panel; chart.go and layout.go hold what all panels
// have in common.
package main
