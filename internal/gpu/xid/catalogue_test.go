package xid

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hardwareCodes returns the codes of grade Hardware, sorted.
func hardwareCodes() (codes []string) {
	for _, code := range slices.Sorted(maps.Keys(Catalogue)) {
		if Of(code) == Hardware {
			codes = append(codes, strconv.Itoa(code))
		}
	}
	return codes
}

func TestGrades(t *testing.T) {
	for code, want := range map[int]Grade{79: Hardware, 62: Hardware, 46: Hardware, 119: Hardware, 94: Contained, 31: Program, 9999: Program} {
		require.Equal(t, want, Of(code), code)
	}
}

// The alerts, the dashboards and the document list the same codes as Catalogue.
func TestTheCatalogueIsTheOnlyList(t *testing.T) {
	list := "xid_(" + strings.Join(hardwareCodes(), "|") + ")"
	for file, times := range map[string]int{"deploy/prometheus/rules/alerts/gpu.yml": 3, "deploy/grafana/generate/gpu_folded.go": 1} {
		text, err := os.ReadFile("../../../" + file)
		require.NoError(t, err)
		require.Equal(t, times, strings.Count(string(text), list), "%s must name %s", file, list)
		require.Equal(t, times, strings.Count(string(text), "xid_("), file)
	}
	document, err := os.ReadFile("../../../docs/gpu.md")
	require.NoError(t, err)
	names := map[Grade]string{Program: "program", Contained: "contained", Hardware: "hardware"}
	for code, entry := range Catalogue {
		require.Contains(t, string(document), fmt.Sprintf("| %d | %s | %s |\n", code, entry.Meaning, names[entry.Grade]))
	}
	require.Contains(t, string(document), "("+strings.Join(hardwareCodes(), ", ")+")")
}
