package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// overlays are the files of config/ that go on top of agent.yaml, in an order in which they are
// given. otlp-forward.yaml comes with what it is for.
var overlays = []string{
	"all-signals", "remote-write", "otlp", "logs", "in-process", "in-process-scrape", "secure-basic", "secure-bearer", "secure-tls", "secure-mtls", "more-attributes", "classic-names",
	"otlp all-signals otlp-forward",
}

func overlaid(t *testing.T, files []string, sets ...string) *resolvedConfig {
	t.Helper()
	uris := []string{"../../config/agent.yaml"}
	for _, file := range files {
		uris = append(uris, "../../config/"+file+".yaml")
	}
	c, err := resolve(t.Context(), append(uris, sets...), nil)
	require.NoError(t, err, files)
	return c
}

// ways are the ways from a receiver to an exporter that are configured.
func (c *resolvedConfig) ways() map[string]bool {
	ways := make(map[string]bool)
	for name, pipeline := range asMap(asMap(c.All["service"])["pipelines"]) {
		signal, _, _ := strings.Cut(name, "/")
		for _, from := range asStrings(asMap(pipeline)["receivers"]) {
			for _, to := range asStrings(asMap(pipeline)["exporters"]) {
				ways[fmt.Sprintf("%s of %s to %s", signal, from, to)] = true
			}
		}
	}
	return ways
}

// TestOverlaysCompose merges each one, two in both orders, and all of the files. What each
// of them sends somewhere is sent there by all of them together: a list of one replaces that of
// another, and three of them dropped the remote write without a word. Lists of extensions add up.
func TestOverlaysCompose(t *testing.T) {
	alone := make(map[string]*resolvedConfig)
	for file := range strings.FieldsSeq(strings.Join(overlays, " ")) {
		alone[file] = overlaid(t, []string{file})
	}
	check := func(chosen ...string) { requireComposed(t, alone, strings.Fields(strings.Join(chosen, " "))) }
	for i, a := range overlays {
		check(a)
		for _, b := range overlays[:i] {
			check(a, b)
			check(b, a)
		}
	}
	check(overlays...)
	backwards := slices.Clone(overlays)
	slices.Reverse(backwards)
	check(backwards...)
}

func requireComposed(t *testing.T, alone map[string]*resolvedConfig, files []string) {
	t.Helper()
	all := overlaid(t, files)
	ways, extensions := all.ways(), map[string]bool{}
	for _, file := range files {
		if file == "otlp-forward" {
			continue // it makes pipelines of otlp.yaml longer
		}
		for way := range alone[file].ways() {
			require.True(t, ways[way], "%v: nobody sends %s, as %s.yaml does", files, way, file)
		}
		for _, id := range alone[file].Started["extensions"] {
			extensions[id] = true
		}
	}
	for id := range extensions {
		require.Contains(t, all.Started["extensions"], id, "%v", files)
	}
	for _, f := range all.checkReferences() {
		require.NotEqual(t, Failure, f.Status, "%v: %s", files, verdict(f))
	}
}
