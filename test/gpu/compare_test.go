//go:build linux && cgo

package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden is the page of the built collector over the fake library, as test/e2e keeps it.
func golden(t *testing.T) []sample {
	t.Helper()
	text, err := os.ReadFile("../e2e/testdata/metrics.txt")
	require.NoError(t, err)
	return parsePage(string(text))
}

func verdicts(list []comparison, v agreement) (found []comparison) {
	for _, c := range list {
		if c.Verdict == v {
			found = append(found, c)
		}
	}
	return found
}

func TestThePageOfTheFakeLibraryIsWhatItsSMISays(t *testing.T) {
	list := compare(golden(t), []map[string]smiAnswers{fakeAnswers()})
	require.Empty(t, verdicts(list, differs))
	require.Empty(t, verdicts(list, unasked))
	for _, c := range verdicts(list, neither) {
		require.Contains(t, []string{"utilization.jpeg", "utilization.ofa"}, c.Source, "everything else is there, and is compared")
	}
	require.Len(t, verdicts(list, equal), 2*len(figures)-4)
}

// altered is another answer than this one, and as near as may be without being taken for it.
func altered(f *figure, text string) string {
	switch v, ok := numeric(text); {
	case f.source == "clocks_event_reasons.active":
		return "0x0000000000000002"
	case f.source == "gpu_recovery_action":
		return "Reset"
	case f.source == "retired_pages.pending":
		return "Yes"
	case f.source == rowRemapper:
		return strings.TrimPrefix(f.labels["nvidia_gpu_fault"], "row_remap_")
	case f.labels[labelOf] != "":
		return text + "0"
	case !ok:
		return "3"
	case strings.HasPrefix(text, "P"):
		return fmt.Sprintf("P%g", v+1)
	case f.exact:
		return fmt.Sprintf("%g", v+1)
	case f.rounding != 0:
		return fmt.Sprintf("%.2f", v+0.03) // watts
	default:
		return fmt.Sprintf("%g", v+2.5)
	}
}

// TestEachFigureThatIsAlteredIsFound: of nvidia-smi, one at a time, each answer about each GPU, to
// another value and to none.
func TestEachFigureThatIsAlteredIsFound(t *testing.T) {
	page := golden(t)
	flips := 0
	for uuid := range fakeAnswers() {
		for i := range figures {
			f := &figures[i]
			original := fakeAnswers()[uuid][f.source]
			for _, wrong := range []string{altered(f, original), "[N/A]"} {
				if was, known := f.number(original); wrong == "[N/A]" {
					if is, still := f.number(wrong); is == was && still == known {
						continue // it says the same
					}
				}
				said := fakeAnswers()
				said[uuid][f.source] = wrong
				found := verdicts(compare(page, []map[string]smiAnswers{said}), differs)
				require.NotEmpty(t, found, "%s of %s: %q instead of %q", f.source, uuid, wrong, original)
				for _, c := range found {
					require.Equal(t, f.source, c.Source, "nothing else")
					require.Equal(t, uuid, c.GPU)
				}
				flips++
			}
		}
	}
	require.Greater(t, flips, 3*len(figures))
}

// TestEachSampleThatIsAlteredIsFound: of the page, one at a time, each sample that is compared, to
// another value and away.
func TestEachSampleThatIsAlteredIsFound(t *testing.T) {
	original := golden(t)
	said := []map[string]smiAnswers{fakeAnswers()}
	for uuid := range fakeAnswers() {
		for i := range figures {
			f := &figures[i]
			if f.labels[labelOf] != "" || f.metric == "nvidia_gpu_count" {
				continue
			}
			at := slices.IndexFunc(original, func(s sample) bool {
				found, there := of(original, uuid, f.metric, f.labels)
				return there && s.name == f.metric && maps.Equal(s.labels, found.labels)
			})
			if at < 0 {
				continue // as both say
			}
			page := slices.Clone(original)
			page[at].value += 2.5 * cmp.Or(f.rounding, f.unit)
			require.NotEmpty(t, verdicts(compare(page, said), differs), "%s %v of %s", f.metric, f.labels, uuid)
			page = slices.Delete(slices.Clone(original), at, at+1)
			require.NotEmpty(t, verdicts(compare(page, said), differs), "%s %v of %s is away", f.metric, f.labels, uuid)
		}
	}
}

func TestWhatPassedOnce(t *testing.T) {
	page := golden(t)
	first := newFakeGPU(0).fields["uuid"]
	for name, spoil := range map[string]func(map[string]smiAnswers){
		"swapped counters of ECC": func(all map[string]smiAnswers) {
			a := all[first]
			a["ecc.errors.corrected.volatile.total"], a["ecc.errors.uncorrected.volatile.total"] = a["ecc.errors.uncorrected.volatile.total"], a["ecc.errors.corrected.volatile.total"]
		},
		"the fifth generation for the fourth": func(all map[string]smiAnswers) { all[first]["pcie.link.gen.max"] = "5" },
		"a GPU that only one of them has":     func(all map[string]smiAnswers) { delete(all, first) },
		"one GPU for the other": func(all map[string]smiAnswers) {
			second := newFakeGPU(1).fields["uuid"]
			all[first], all[second] = all[second], all[first]
		},
	} {
		t.Run(name, func(t *testing.T) {
			said := fakeAnswers()
			spoil(said)
			require.NotEmpty(t, verdicts(compare(page, []map[string]smiAnswers{said}), differs))
		})
	}
}

// What moves lies between what nvidia-smi said before and after; in one of the rounds is enough.
func TestWhatMoves(t *testing.T) {
	page := golden(t)
	first := newFakeGPU(0).fields["uuid"]
	said := func(watts ...string) (list []map[string]smiAnswers) {
		for _, w := range watts {
			all := fakeAnswers()
			all[first]["power.draw"] = w
			list = append(list, all)
		}
		return list
	}
	require.Empty(t, verdicts(compare(page, said("140.00", "160.00")), differs))
	missed := compare(page, said("140.00", "145.00"))
	require.Len(t, verdicts(missed, differs), 1)
	require.Empty(t, verdicts(better([][]comparison{missed, compare(page, said("150.00"))}), differs))
	require.Len(t, verdicts(better([][]comparison{missed, missed}), differs), 1)
}

// TestEveryMetricIsComparedOrExcepted holds the kit to the contract.
func TestEveryMetricIsComparedOrExcepted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "receiver", "facefusionreceiver", "documentation.md"))
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^### ((?:hw|nvidia|facefusion\.gpu)\.[a-z0-9_.]+)$`).FindAllStringSubmatch(string(text), -1) {
		// Those of events are facefusion.gpu. as well.
		if !strings.HasPrefix(m[1], "facefusion.gpu.") || strings.HasSuffix(m[1], "usage") || strings.HasSuffix(m[1], "utilization") {
			names = append(names, m[1])
		}
	}
	require.Greater(t, len(names), 50)
	compared := func(name string) bool {
		onPage := strings.ReplaceAll(name, ".", "_")
		return slices.ContainsFunc(figures, func(f figure) bool {
			suffix, found := strings.CutPrefix(f.metric, onPage)
			return found && slices.Contains([]string{"", "_bytes", "_celsius", "_watts", "_hertz", "_seconds", "_ratio", "_total", "_per_second"}, suffix) &&
				(suffix == "" || !slices.Contains(names, name+suffix))
		})
	}
	for _, name := range names {
		why, excepted := notCompared[name]
		require.NotEqual(t, compared(name), excepted, "%s is compared, or there is a reason why not", name)
		require.True(t, !excepted || why != "")
	}
	for name := range notCompared {
		require.Contains(t, names, name)
	}
}
