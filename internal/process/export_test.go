package process

import (
	"net/netip"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
)

// ListAll makes the next pass list all processes, as it does when the last such look is long ago.
func (t *Table) ListAll() { t.pids.listed = false }

// fakeNetwork is a kernel that a test wrote.
type fakeNetwork struct {
	mine   bool
	routes map[string]hostnet.Route
}

func (n fakeNetwork) owned(string) bool                      { return n.mine }
func (n fakeNetwork) maker(string) (int, bool)               { return 0, false }
func (n fakeNetwork) route(address netip.Addr) hostnet.Route { return n.routes[address.String()] }

// SetNetwork replaces the kernel's knowledge of the network.
func SetNetwork(t *Table, mine bool, routes map[string]hostnet.Route) {
	t.files.network = fakeNetwork{mine: mine, routes: routes}
}

// Age lets time pass for a Table.
func Age(t *Table, d time.Duration) { t.epoch = t.epoch.Add(-d) }

// Unlooked has a process be one that could not be looked into.
func Unlooked(t *Table, pid int) { t.unlooked[pid] = VisibilityDenied }

// Tried is how many folders the searches of a Table have tried, of one payer, and how many there
// were.
func Tried(t *Table) (folders, searches int) {
	for _, a := range t.searches.owners {
		folders += int(triesPerSecond - a.tokens)
	}
	for _, r := range t.cache.records {
		if r.program != 0 {
			searches++
		}
	}
	return folders, searches
}

// WithoutFolderRules has a Table ask the rule of FaceFusion's own script alone.
func WithoutFolderRules(t *Table) {
	t.findFolder = func(observation) (ruleMatch, bool, Visibility) { return ruleMatch{}, false, "" }
}

// Keys is how many keys the instances of a Table are known by.
func Keys(t *Table) int { return len(t.instances.byKey) }
