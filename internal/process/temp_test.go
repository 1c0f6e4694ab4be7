package process_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestTemporaryFolders are where FaceFusion and Python's tempfile take them from, in their order.
func TestTemporaryFolders(t *testing.T) {
	for _, c := range []struct {
		name, ini, want  string
		arguments, given []string
	}{
		{name: "the default"},
		{name: "the environment", given: []string{"TMP=/c", "TMPDIR=/a", "TEMP=/b"}, want: "/a"},
		{name: "the second variable", given: []string{"TMPDIR=", "TMP=/c", "TEMP=/b"}, want: "/b"},
		{name: "a relative one", given: []string{"TMP=scratch"}, want: "/opt/facefusion/scratch"},
		{name: "the configuration", ini: "/data/tmp", given: []string{"TMPDIR=/a"}, want: "/data/tmp"},
		{name: "the command line", arguments: []string{"--temp-path", "/run/scratch"}, ini: "/data/tmp", given: []string{"TMPDIR=/a"}, want: "/run/scratch"},
		{name: "the command line, in short", arguments: []string{"--temp-pa=scratch"}, want: "/opt/facefusion/scratch"},
		{name: "another option", arguments: []string{"--temp-frame-format", "png"}, given: []string{"TMPDIR=/a"}, want: "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t, process.Settings{})
				w.checkout("/opt/facefusion", "3.8.1")
				require.NoError(t, w.host.WriteFile("/opt/facefusion/facefusion.ini", "[paths]\ntemp_path = "+c.ini+"\n"))
				p := runner(100, "/opt/facefusion", c.arguments...)
				p.Environ = c.given
				w.put(p)
				i := only(t, w.pass())
				require.Len(t, i.Processes, 1)
				assert.Equal(t, c.want, i.Processes[0].TempPath)
			})
		})
	}
}

// TestTemporaryFolderOfAProgram around FaceFusion.
func TestTemporaryFolderOfAProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, process.Settings{})
		w.checkout("/opt/facefusion", "3.8.1")
		p := runner(100, "/opt/facefusion")
		p.Argv, p.Environ = []string{"python", "-m", "uvicorn", "service:app"}, []string{"PATH=/bin", "TMPDIR=/scratch"}
		p.UserTicks, p.SystemTicks = 150, 50
		w.put(p)
		i := only(t, w.pass())
		require.Len(t, i.Processes, 1)
		assert.Equal(t, "/scratch", i.Processes[0].TempPath)
		assert.InDelta(t, 2, i.Processes[0].CPU, 1e-9)
	})
}

// TestWhatARunnerWasGiven: the files of a headless run, as its job says them, and the job of a
// runner of one.
func TestWhatARunnerWasGiven(t *testing.T) {
	for _, c := range []struct {
		arguments           []string
		target, output, job string
	}{
		{[]string{"headless-run", "-t", "in/a.mp4", "-o", "/out/b.mp4"}, "in/a.mp4", "/out/b.mp4", ""},
		{[]string{"headless-run", "--target-path=/in/a.mp4", "--output-p", "out"}, "/in/a.mp4", "out", ""},
		{[]string{"headless-run", "--processors", "face_swapper"}, "", "", ""},
		{[]string{"batch-run", "-t", "in/*.mp4", "-o", "out"}, "", "", ""},
		{[]string{"job-run", "nightly 7", "--log-level", "debug"}, "", "", "nightly 7"},
		{[]string{"job-retry", "nightly"}, "", "", "nightly"},
		{[]string{"job-run", "--log-level", "debug", "nightly"}, "", "", ""},
		{[]string{"job-run-all", "--halt-on-error"}, "", "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			p := runner(100, "/opt/facefusion")
			p.Argv = append([]string{"python", "facefusion.py"}, c.arguments...)
			w.put(p)
			i := only(t, w.pass())
			require.Len(t, i.Processes, 1)
			assert.Equal(t, c.target, i.Processes[0].Target)
			assert.Equal(t, c.output, i.Processes[0].Output)
			assert.Equal(t, c.job, i.Processes[0].Job)
		})
	}
}
