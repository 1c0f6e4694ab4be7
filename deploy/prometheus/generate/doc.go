// Command generate writes the rules of Prometheus from source/ and config.yaml: for a profile, in a
// language, with the names that a store makes, as files or as objects of the operator.
package main
