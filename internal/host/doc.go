// Package host finds the name and the id of the host that is observed.
//
// It reads the identity of the machine and nothing else of it; it is asked once, when a receiver
// starts.
package host
