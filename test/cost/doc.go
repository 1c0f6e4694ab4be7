// Command cost measures what the agent costs: the whole process, beside the exporters that a user
// would run instead, all at the same time on one simulated host.
//
// The host has two FaceFusions at their natural speed (one of them with a wrapped service beside
// it), two GPUs, five containers on a bridge, 100 other processes and 200 connections. Every page
// is scraped at the same interval. CPU comes from schedstat of all threads and from the children
// that were waited for; memory is RSS and PSS.
//
// It makes the host in the namespaces it runs in: `make cost` gives it namespaces of its own.
package main
