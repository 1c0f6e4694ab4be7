//go:build e2e && outages

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faster is how many times shorter every time of rules, Alertmanager and scrapes is here; the same
// as in testdata/outages.yaml.
const faster = 20

// byReceiver is what people are told of an outage: the alerts, by receiver.
type byReceiver map[string][]string

// pageCase is an outage on a host of its own, and who is told of it.
type pageCase struct {
	what string
	host pageHost
	// cause is the alert that calls somebody.
	cause string
	// also are told as well, as they are something else.
	also byReceiver
	// lingers is how long the alert goes on after the end, in real time.
	lingers time.Duration
}

// TestPages: each outage that gets somebody up, on a host of its own with the built collector on
// it, behind a real Prometheus and a real Alertmanager. One outage is one message, which names the
// cause.
func TestPages(t *testing.T) {
	if name := os.Getenv(harnessHost); name != "" {
		for _, c := range pageCases() {
			if c.name() == name {
				beHost(t, c.host)
				return
			}
		}
		require.FailNow(t, "there is no host of this name", name)
	}
	s := startPageStack(t)
	t.Run("hosts", func(t *testing.T) {
		for _, c := range pageCases() {
			if only := os.Getenv("OUTAGE"); only != "" && only != c.what {
				continue
			}
			t.Run(c.what, func(t *testing.T) {
				t.Parallel()
				c.play(t, s)
			})
		}
	})
}

func (c pageCase) play(t *testing.T, s *pageStack) {
	name := c.name()
	h := startPageHost(t, name)
	h.say(t, "begin")
	s.scrape(t, name, h.page)
	s.eventually(t, time.Minute, "it is scraped", func() bool { return s.count(t, fmt.Sprintf(`facefusion_instances{host_name=%q}`, name)) > 0 })
	// What is so from the beginning on is no outage: three minutes of the rules without a word.
	time.Sleep(3 * time.Minute / faster)
	require.Empty(t, s.of(name), "before anything happened")

	began := time.Now()
	h.say(t, "break")
	s.eventually(t, 5*time.Minute, "somebody is called", func() bool { return slices.Contains(s.of(name)["call"], c.cause) })
	t.Logf("told after %v, which is %v", time.Since(began).Round(100*time.Millisecond), (faster * time.Since(began)).Round(time.Minute))
	// What follows from it would be told within the quarter of an hour in which warnings wait.
	time.Sleep(15 * time.Minute / faster)
	h.say(t, "mend")
	s.eventually(t, c.lingers+2*time.Minute, "it is over", func() bool { return slices.Contains(s.over(name), c.cause) })
	time.Sleep(5 * time.Minute / faster)

	want := byReceiver{"call": {c.cause}}
	for receiver, alerts := range c.also {
		want[receiver] = append(want[receiver], alerts...)
	}
	require.Equal(t, want, s.of(name))
	s.leave(t, name)
}

func (c pageCase) name() string { return strings.ReplaceAll(c.what, " ", "-") }
