package pci

import "strings"

// ShortAddress normalizes a PCI address for comparison: nvidia-smi pads the domain to eight digits,
// lspci omits it.
func ShortAddress(address string) string {
	address = strings.ToLower(address)
	if strings.Count(address, ":") == 1 {
		return "0:" + address
	}
	domain, rest, found := strings.Cut(address, ":")
	if !found {
		return address
	}
	if domain = strings.TrimLeft(domain, "0"); domain == "" {
		domain = "0"
	}
	return domain + ":" + rest
}

// Slot returns the short address without the function, which the kernel's log omits.
func Slot(address string) string {
	slot, _, _ := strings.Cut(ShortAddress(address), ".")
	return slot
}
