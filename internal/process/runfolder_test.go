package process_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestFoldersOfRuns: the jobs folders that runs name are known while they run, and for a moment
// longer, whoever came first.
func TestFoldersOfRuns(t *testing.T) {
	for _, serverFirst := range []bool{true, false} {
		t.Run(fmt.Sprint(serverFirst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t, process.Settings{})
				w.checkout("/opt/facefusion", "3.8.1")
				w.pass()
				if serverFirst {
					w.put(server(100, "/opt/facefusion"))
					assert.Empty(t, only(t, w.pass()).RunFolders)
				}
				w.put(runner(200, "/opt/facefusion", "--jobs-path", "/tmp/one"))
				w.put(runner(201, "/opt/facefusion", "--jobs-path", "/tmp/two"))
				w.put(runner(202, "/opt/facefusion", "--jobs-path", "/tmp/two/"))
				w.put(runner(203, "/opt/facefusion"))
				i := only(t, w.pass())
				assert.Equal(t, "/opt/facefusion/.jobs", i.JobsPath, "the instance has a folder of its own")
				require.Len(t, i.RunFolders, 2)
				one, two := i.RunFolders[0], i.RunFolders[1]
				if one.Path != "/tmp/one" {
					one, two = two, one
				}
				assert.Equal(t, "/tmp/one", one.Path)
				assert.Equal(t, w.host.Path("/tmp/one"), one.HostPath)
				assert.Equal(t, []process.ID{{PID: 200, StartTicks: 300_200}}, one.Processes)
				assert.Len(t, two.Processes, 2)
				assert.NotEqual(t, one.Key, two.Key)
				assert.False(t, one.Since.IsZero())

				w.remove(200)
				w.remove(201)
				i = only(t, w.pass())
				require.Len(t, i.RunFolders, 2)
				time.Sleep(11 * time.Second)
				i = only(t, w.pass())
				require.Len(t, i.RunFolders, 1)
				assert.Equal(t, two.Key, i.RunFolders[0].Key)
				assert.Equal(t, []process.ID{{PID: 202, StartTicks: 300_202}}, i.RunFolders[0].Processes)
			})
		})
	}
}

// TestFoldersOfRunsAreBounded: whoever starts a run may name a folder.
func TestFoldersOfRunsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		for n := range 1000 {
			w.put(runner(1000+n, "/opt/facefusion", "--jobs-path", fmt.Sprint("/tmp/jobs-", n)))
		}
		assert.Len(t, only(t, w.pass()).RunFolders, 128)
		for n := range 1000 {
			w.remove(1000 + n)
		}
		w.pass()
		time.Sleep(11 * time.Second)
		assert.Empty(t, only(t, w.pass()).RunFolders)
	})
}

// TestFolderOfARunInAContainer: the way leads through the run, and through its service when it has
// ended.
func TestFolderOfARunInAContainer(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/containers/a/facefusion", "3.8.1")
	w.put(container(100, "a"))
	run := container(200, "a")
	run.Argv = []string{"python", "facefusion.py", "headless-run", "--jobs-path", "/tmp/one"}
	run.PPID = 100
	w.put(run)
	i := only(t, w.pass())
	require.Len(t, i.RunFolders, 1)
	assert.Equal(t, w.host.Path("/proc/200/root/tmp/one"), i.RunFolders[0].HostPath)
	w.remove(200)
	i = only(t, w.pass())
	require.Len(t, i.RunFolders, 1)
	assert.Equal(t, w.host.Path("/proc/100/root/tmp/one"), i.RunFolders[0].HostPath)
}
