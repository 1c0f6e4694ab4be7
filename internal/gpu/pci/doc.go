// Package pci parses PCI addresses and reads the kernel's view of PCI devices. It never accesses a
// device.
//
// What belongs here is read from sysfs: addresses, vendors, power states and links. What only the
// driver's library reports belongs to internal/gpu.
package pci
