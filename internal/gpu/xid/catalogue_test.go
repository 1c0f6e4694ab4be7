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
	pattern := func(codes []string) string { return "xid_(" + strings.Join(codes, "|") + ")" }
	// GPUXid asks apart for what GPULost tells as well.
	lost := []string{"79", "154"}
	others := slices.DeleteFunc(hardwareCodes(), func(code string) bool { return slices.Contains(lost, code) })
	require.Len(t, others, len(hardwareCodes())-len(lost), "what GPULost tells is of the hardware")
	all := pattern(hardwareCodes())
	for file, lists := range map[string]map[string]int{
		"deploy/prometheus/rules/alerts/gpu.yml": {all: 2, pattern(others): 1, pattern(lost): 1},
		"deploy/grafana/generate/gpu_folded.go":  {all: 1},
	} {
		text, err := os.ReadFile("../../../" + file)
		require.NoError(t, err)
		sum := 0
		for list, times := range lists {
			require.Equal(t, times, strings.Count(string(text), list), "%s must name %s", file, list)
			sum += times
		}
		require.Equal(t, sum, strings.Count(string(text), "xid_("), file)
	}
	document, err := os.ReadFile("../../../docs/gpu.md")
	require.NoError(t, err)
	names := map[Grade]string{Program: "program", Contained: "contained", Hardware: "hardware"}
	for code, entry := range Catalogue {
		require.Contains(t, string(document), fmt.Sprintf("| %d | %s | %s |\n", code, entry.Meaning, names[entry.Grade]))
	}
	require.Contains(t, string(document), "("+strings.Join(hardwareCodes(), ", ")+")")
}
