//go:build linux && cgo

package main

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// migPage are the samples of the fake library's two MIG devices of GPU 1, as the built collector
// shows them.
const migPage = `
hw_gpu_memory_limit_bytes{hw_id="%[1]s",hw_name="GPU 1 MIG %[2]d"} 5.36870912e+09
hw_gpu_memory_usage_bytes{hw_id="%[1]s",hw_name="GPU 1 MIG %[2]d"} %[3]d
nvidia_gpu_memory_others_usage_bytes{hw_id="%[1]s",hw_name="GPU 1 MIG %[2]d"} %[4]d
nvidia_gpu_info{hw_id="%[1]s",hw_name="GPU 1 MIG %[2]d",hw_parent="GPU-fa4e0000-0000-0000-0000-000000000002"} 1
`

// dividedGPU is the page and the answers about a GPU with MIG devices, of which the first has a
// process of 100 MiB that computes and draws, and the second one of 7 MiB.
func dividedGPU(t *testing.T) (page []sample, said map[string]smiAnswers) {
	t.Helper()
	g := newFakeGPU(1).divide(1)
	text := ""
	for k, others := range []int{100 * mib, 7 * mib} {
		text += fmt.Sprintf(migPage, g.mig[k].uuid, k, (k+1)<<30, others)
	}
	process := `<process_info><gpu_instance_id>%d</gpu_instance_id><compute_instance_id>0</compute_instance_id><pid>%d</pid><used_memory>%d MiB</used_memory></process_info>`
	log := element{}
	require.NoError(t, xml.Unmarshal(fmt.Appendf(nil, "<log><gpu><uuid>%s</uuid><mig_devices>%s</mig_devices><processes>%s%s%s</processes></gpu></log>", g.fields["uuid"], g.migXML(),
		fmt.Sprintf(process, 3, 11, 100), fmt.Sprintf(process, 3, 11, 100), fmt.Sprintf(process, 4, 12, 7)), &log))
	require.True(t, divided(&log))
	a := g.answers()
	said = map[string]smiAnswers{a["uuid"]: a}
	addMIG(&log, migUUIDs(g.list()), said)
	for _, s := range golden(t) {
		// The page has the processes of a divided GPU at its MIG devices.
		if (s.labels["hw_id"] == a["uuid"] || s.labels["hw_parent"] == a["uuid"]) && s.name != "nvidia_gpu_memory_others_usage_bytes" || s.name == "nvidia_gpu_count" {
			page = append(page, s)
		}
	}
	return append(page, parsePage(text)...), said
}

func TestMIGDevicesAreCompared(t *testing.T) {
	page, said := dividedGPU(t)
	require.Len(t, said, 3)
	list := compare(page, []map[string]smiAnswers{said})
	require.Empty(t, verdicts(list, differs))
	require.Len(t, verdicts(list, equal), len(figures)-3+2*len(migFigures))
}

// TestEachFigureOfAMIGDeviceThatIsAlteredIsFound: of nvidia-smi, and of the page, one at a time.
func TestEachFigureOfAMIGDeviceThatIsAlteredIsFound(t *testing.T) {
	page, said := dividedGPU(t)
	for uuid, a := range said {
		if a[migParent] == "" {
			continue
		}
		for i := range migFigures {
			f := &migFigures[i]
			for _, wrong := range []string{altered(f, a[f.source]), "[N/A]"} {
				if f.source == migParent && wrong == "[N/A]" {
					continue // it always has one
				}
				other := map[string]smiAnswers{}
				for id := range said {
					other[id] = maps.Clone(said[id])
				}
				other[uuid][f.source] = wrong
				found := verdicts(compare(page, []map[string]smiAnswers{other}), differs)
				require.Len(t, found, 1, "%s of %s: %q", f.source, uuid, wrong)
				require.Equal(t, f.source, found[0].Source)
			}
		}
	}
	for i := range page {
		if !strings.HasPrefix(page[i].labels["hw_id"], "MIG-") {
			continue
		}
		without := slices.Delete(slices.Clone(page), i, i+1)
		require.NotEmpty(t, verdicts(compare(without, []map[string]smiAnswers{said}), differs), "%v", page[i])
		if page[i].name != "nvidia_gpu_info" {
			changed := slices.Clone(page)
			changed[i].value += 2.5 * mib
			require.Len(t, verdicts(compare(changed, []map[string]smiAnswers{said}), differs), 1, "%v", page[i])
		}
	}
	extra := append(slices.Clone(page), sample{"nvidia_gpu_info", labelSet{"hw_id": "MIG-of-nobody"}, 1})
	require.Len(t, verdicts(compare(extra, []map[string]smiAnswers{said}), differs), 1, "a device that nvidia-smi does not have")
}
