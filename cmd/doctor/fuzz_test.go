package main

import (
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
