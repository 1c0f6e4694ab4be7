package gpu

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// togetherFor is within how long a UUID must be reported from two PCI addresses to belong to two
// GPUs. Over a longer time, one GPU may have been moved to another slot.
const togetherFor = 10 * time.Second

// identities finds GPUs that report the same UUID, as cloned boards and faulty firmware do. Such
// GPUs are distinguished by their PCI addresses. It is safe for concurrent use by the workers.
type identities struct {
	mu   sync.Mutex
	seen map[string]map[string]time.Time // by UUID and PCI address
	// duplicate holds the UUIDs that more than one GPU has reported. Entries stay, because the
	// identity of a GPU must not depend on the health of another.
	duplicate map[string]bool
}

// identify returns the UUID of the GPU at an address: the one that the driver reports, with the
// address appended if several GPUs report it.
func (i *identities) identify(uuid, address string, now time.Time) string {
	if address == "" {
		return uuid
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen == nil {
		i.seen, i.duplicate = make(map[string]map[string]time.Time), make(map[string]bool)
	}
	if i.seen[uuid] == nil {
		i.seen[uuid] = make(map[string]time.Time)
	}
	for other, at := range i.seen[uuid] {
		if age := now.Sub(at); age > togetherFor || age < 0 {
			delete(i.seen[uuid], other)
		}
	}
	i.seen[uuid][address] = now
	if len(i.seen[uuid]) > 1 {
		i.duplicate[uuid] = true
	}
	if i.duplicate[uuid] {
		return uuid + uuidSeparator + address
	}
	return uuid
}

// isDuplicate reports whether several GPUs report a UUID.
func (i *identities) isDuplicate(uuid string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.duplicate[uuid]
}

// duplicates returns the UUIDs that several GPUs report, sorted.
func (i *identities) duplicates() (list []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for uuid := range i.duplicate {
		list = append(list, uuid)
	}
	slices.Sort(list)
	return list
}

// uuidSeparator separates a duplicate UUID from the PCI address. No UUID contains it.
const uuidSeparator = "@"

// driverUUID returns the UUID as the driver reports it, without an appended address.
func driverUUID(uuid string) string {
	plain, _, _ := strings.Cut(uuid, uuidSeparator)
	return plain
}
