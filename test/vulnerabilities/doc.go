// Command vulnerabilities selects from a checkout of the Go vulnerability database what concerns
// the modules of this repository, and writes it where govulncheck reads it without a network.
package main
