// Package xid counts the XIDs of GPUs: the errors that NVIDIA's driver reports about them
// (https://docs.nvidia.com/deploy/xid-errors/).
//
// An XID has two sources: the driver's event set and the kernel's log. A Counter reads both, pairs
// their reports, and counts each XID once. It does not call the driver: its user provides a Source
// of events and the PCI address of each GPU (Locate), and reads Counts and events.
package xid
