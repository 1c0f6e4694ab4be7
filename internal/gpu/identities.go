package gpu

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// togetherFor is within how long a UUID must have been reported from two PCI addresses for these to
// be two GPUs. One that is plugged in elsewhere has another address later.
const togetherFor = 10 * time.Second

// identities finds GPUs that report the same UUID, as cloned boards and faulty firmware do. They
// are told apart by their PCI addresses. Workers of several GPUs use it at the same time.
type identities struct {
	mu   sync.Mutex
	seen map[string]map[string]time.Time // by UUID and PCI address
	// duplicate are the UUIDs that more than one GPU has reported. Once known, it stays: the
	// identity of a GPU must not change with the health of another.
	duplicate map[string]bool
}

// identify returns the UUID of a GPU that is at an address now: the one that the driver reports, or
// that with the address if several GPUs report it.
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

// isDuplicate says whether several GPUs report a UUID.
func (i *identities) isDuplicate(uuid string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.duplicate[uuid]
}

// duplicates are the UUIDs that several GPUs report.
func (i *identities) duplicates() (list []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for uuid := range i.duplicate {
		list = append(list, uuid)
	}
	slices.Sort(list)
	return list
}

// uuidSeparator is between a duplicate UUID and the PCI address; no UUID has it.
const uuidSeparator = "@"

// driverUUID is what the driver reports.
func driverUUID(uuid string) string {
	plain, _, _ := strings.Cut(uuid, uuidSeparator)
	return plain
}
