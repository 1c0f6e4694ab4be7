// Package pci knows how PCI addresses are written, and what the kernel says of PCI devices. It asks
// the kernel only, never a device.
//
// What belongs here is read from sysfs: addresses, vendors, power states and links. What only the
// driver's library knows is internal/gpu's.
package pci
