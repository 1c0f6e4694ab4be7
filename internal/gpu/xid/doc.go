// Package xid counts the XIDs of GPUs: the errors that NVIDIA's driver reports about them
// (https://docs.nvidia.com/deploy/xid-errors/).
//
// An XID has two sources: the driver's event set, and the kernel's log. A Counter reads both, knows
// which reports of the two are about one XID, and counts each XID once. It knows nothing of the
// driver: whoever uses it gives it a Source of events and tells it where each GPU is (Locate), and
// takes from it Counts and Events.
package xid
