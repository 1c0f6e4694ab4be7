package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzParseStore: an address that is understood names a host.
func FuzzParseStore(f *testing.F) {
	for _, text := range []string{"https://otel.example.org:4318", "dns:///a:4317", "a:4317", "http://[::1]:4318/v1", "unix:///a", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, insecure := range []bool{false, true} {
			s, err := parseStore(text, map[string]any{"insecure": insecure})
			if err == nil {
				assert.NotEmpty(t, s.address)
			}
		}
	})
}

// FuzzParseOptions: what becomes the environment of a program has a name or none, and is one line.
func FuzzParseOptions(f *testing.F) {
	for _, text := range []string{"OTELCOL_OPTIONS=\"--config=a --config=b\"\nA='x'\n# B=1\n", "=", "\"=\"", ";=", "A", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, environment := parseOptions(text)
		for _, arg := range args {
			assert.False(t, strings.ContainsAny(arg, " \n\t"))
			assert.Contains(t, text, arg)
		}
		for _, entry := range environment {
			assert.Contains(t, entry, "=")
			assert.NotContains(t, entry, "\n")
			assert.False(t, strings.HasPrefix(entry, "OTELCOL_OPTIONS="))
		}
	})
}

// FuzzParseHidepid: a mode is said only of a line that has it, and only one that hides.
func FuzzParseHidepid(f *testing.F) {
	f.Add("proc /proc proc rw,nosuid,hidepid=invisible 0 0\n")
	f.Add("proc /proc proc rw,hidepid=2 0 0\nproc /proc proc rw 0 0\n")
	f.Fuzz(func(t *testing.T, mounts string) {
		mode := parseHidepid(mounts, "/proc")
		if mode == "" {
			return
		}
		assert.Contains(t, mounts, "hidepid="+mode)
		assert.NotContains(t, []string{"0", "off", "1", "noaccess"}, mode)
		assert.Empty(t, parseHidepid(mounts+"\nproc /proc proc rw 0 0\n", "/proc"), "the last mount counts")
	})
}
