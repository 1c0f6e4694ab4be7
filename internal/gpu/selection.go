package gpu

import (
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/pci"
)

// selection decides which GPUs are observed. An entry is a UUID, an index as nvidia-smi prints it,
// or a PCI address.
type selection struct {
	include, exclude []string
}

// selectsIndex decides by the index alone, so that no call is made to a GPU that is excluded by it.
func (s *selection) selectsIndex(index int) bool {
	return !slices.Contains(s.exclude, strconv.Itoa(index))
}

// selects decides by the identity.
func (s *selection) selects(id Identity) bool {
	if slices.ContainsFunc(s.exclude, func(entry string) bool { return matches(entry, id) }) {
		return false
	}
	return len(s.include) == 0 || slices.ContainsFunc(s.include, func(entry string) bool { return matches(entry, id) })
}

// unmatched returns the entries that match none of the GPUs.
func (s *selection) unmatched(ids []Identity) []string {
	none := []string{}
	for _, entry := range slices.Concat(s.include, s.exclude) {
		if !slices.ContainsFunc(ids, func(id Identity) bool { return matches(entry, id) }) && !slices.Contains(none, entry) {
			none = append(none, entry)
		}
	}
	return none
}

func (s *selection) empty() bool { return len(s.include) == 0 && len(s.exclude) == 0 }

func matches(entry string, id Identity) bool {
	return entry == strconv.Itoa(id.Index) || strings.EqualFold(entry, driverUUID(id.UUID)) || id.PCIAddress != "" && pci.ShortAddress(entry) == pci.ShortAddress(id.PCIAddress)
}
