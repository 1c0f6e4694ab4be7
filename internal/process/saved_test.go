package process_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// restart passes what a table knows on to the next one, as a disk would.
func (w *harness) restart(s process.Settings) []process.SavedInstance {
	w.t.Helper()
	text, err := json.Marshal(w.table.Export())
	require.NoError(w.t, err)
	var list []process.SavedInstance
	require.NoError(w.t, json.Unmarshal(text, &list))
	w.restartCollector(s)
	w.table.Restore(list)
	return list
}

func TestInstanceThatIsGoneIsKnownAfterARestart(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.put(ffmpeg(101, 100))
	before := only(t, w.pass())
	w.restart(process.Settings{})
	w.remove(101)
	w.remove(100)
	s := w.pass()
	after := only(t, s)
	assert.False(t, after.Up())
	assert.Empty(t, s.Changes, "nobody saw it end")
	assert.Equal(t, before.ID, after.ID)
	assert.Equal(t, "3.8.1", after.Version)
	assert.Equal(t, before.JobsPath, after.JobsPath)
	assert.Equal(t, filepath.Join(w.host.Root(), "/opt/facefusion/.jobs"), after.JobsHostPath)
	assert.Equal(t, before.JobsHostPath, after.JobsHostPath)
	assert.True(t, before.LastSeen.Equal(after.LastSeen))
	assert.Zero(t, usageOf(t, after, process.RoleServer).Count)
	assert.Zero(t, usageOf(t, after, process.RoleFFmpeg).Count)

	w.put(server(200, "/opt/facefusion"))
	again := only(t, w.pass())
	assert.Equal(t, before.ID, again.ID)
	assert.True(t, again.Up())
}

func TestWhatIsRememberedIsForgottenAsWell(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.pass()
	list := w.restart(process.Settings{})
	w.remove(100)
	w.restartCollector(process.Settings{ForgetAfter: time.Hour})
	list[0].LastSeen = time.Now().Add(-2 * time.Hour)
	w.table.Restore(list)
	assert.Empty(t, w.pass().Instances)
	assert.Empty(t, w.table.Export())
}

// TestOfConfiguredInstancesOnlyTheServersAreRemembered: where they are, the configuration says.
func TestOfConfiguredInstancesOnlyTheServersAreRemembered(t *testing.T) {
	configured := process.Settings{Instances: []process.Configured{{Name: "studio", Path: "/opt/facefusion"}}}
	w := newHarness(t, configured)
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.pass()
	list := w.table.Export()
	assert.Len(t, list, 1)
	list[0].LastSeen = time.Time{}
	assert.Equal(t, []process.SavedInstance{{ID: "studio", Services: []process.EndedService{{ID: process.ID{PID: 100, StartTicks: 300_100}, Serves: true}}}}, list)

	w.restart(process.Settings{}) // now it is named no more
	assert.NotEqual(t, "studio", only(t, w.pass()).ID)

	w.restartCollector(process.Settings{})
	w.pass()
	w.restart(configured) // now it is named
	assert.Equal(t, "studio", only(t, w.pass()).ID, "and not known twice")
}

func TestNonsenseIsNotRestored(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.table.Restore([]process.SavedInstance{{}, {ID: "a", LastSeen: time.Now()}, {Jobs: process.FolderPaths{Key: "/x"}, LastSeen: time.Now()}})
	assert.Empty(t, w.pass().Instances)
}

// TestServersThatAnEarlierVersionSaved: it saved that there was one, and not which.
func TestServersThatAnEarlierVersionSaved(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.bootID("one")
	w.checkout("/opt/facefusion", "3.8.1")
	w.put(server(100, "/opt/facefusion"))
	w.pass()
	w.remove(100)
	for _, served := range []bool{true, false} {
		list := w.table.Export()
		list[0].Boot, list[0].Services = "", nil
		list[0].Served, list[0].Roles = served, []process.Role{process.RoleService}
		if !served {
			list[0].Roles = []process.Role{process.RoleServer}
		}
		w.restartCollector(process.Settings{})
		w.table.Restore(list)
		assert.Equal(t, []ended{{0, false}}, endedOf(only(t, w.pass())))
	}
	w.put(server(101, "/opt/facefusion"))
	assert.Empty(t, only(t, w.pass()).Ended)
}
