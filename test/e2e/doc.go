// Package e2e runs the built collector over simulated hosts and over the programs of others, as a
// user would, and reads what comes out: pages of metrics, events, spans, its own log.
//
// Here belongs what takes a whole collector to show. What a package of the receiver can show by
// itself is tested there; other accounts, damaged state and shares that hang are test/hostile's,
// and the queries of deploy/ over a real Prometheus are test/stack's.
package e2e
