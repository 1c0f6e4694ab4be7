package process_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestHints: what looks like FaceFusion and fits no rule is named, without its arguments; what is
// found, and what has nothing of it, is not.
func TestHints(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/opt/facefusion", "3.8.1")
	w.checkout("/home/ann/work/ff", "3.8.1")
	w.put(pythonIn(100, "/opt/facefusion-api", "/opt/facefusion-api/venv/bin/python main.py --token secret"))
	w.put(pythonIn(101, "/home/ann/work", "python3 /usr/share/daemon/main.py --token secret"))
	w.put(pythonIn(102, "/opt/facefusion", "python3 service.py"))
	w.put(pythonIn(103, "/srv", "python3 other.py"))
	w.put(pythonIn(105, "/srv", "python3 /srv/"+strings.Repeat(".", 120_000)+"/facefusion"))
	w.put(pythonIn(104, "/opt/facefusion-api", "python3 -m pytest"))
	w.pass()
	process.Age(w.table, 2*time.Minute) // the runtime is looked for at the next look
	s := w.pass()
	require.Len(t, s.Hints, 2)
	for n, want := range []struct {
		pid  int
		line string
	}{{100, "/opt/facefusion-api/venv/bin/python main.py --token secret"}, {101, "python3 /usr/share/daemon/main.py --token secret"}} {
		h := s.Hints[n]
		assert.Equal(t, want.pid, h.PID)
		assert.NotContains(t, h.Cmdline, "secret")
		assert.NotEmpty(t, h.Reason)
		expression := regexp.MustCompile(h.Cmdline)
		assert.True(t, expression.MatchString(want.line), "it fits what is proposed")
		assert.False(t, expression.MatchString(strings.ReplaceAll(want.line, "main.py", "main.python")))
		w.restartCollector(named(process.Match{Cmdline: expression}))
		assert.Equal(t, []int{want.pid}, pids(&w.pass().Instances[0])[process.RoleService])
	}
	w.restartCollector(process.Settings{})
	w.pass()
	w.remove(100)
	w.remove(101)
	w.table.ListAll()
	require.Empty(t, w.pass().Hints)
}

// TestHintsOfAUserHideNoOther: somebody starts a hundred programs that are called like FaceFusion.
func TestHintsOfAUserHideNoOther(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for n := range 100 {
		p := pythonIn(100+n, "/home/eve/facefusion-x", "python3 evil.py")
		p.UID = 1001
		w.put(p)
	}
	honest := pythonIn(900, "/opt/facefusion-api", "python3 main.py")
	honest.UID = 1002
	w.put(honest)
	hints := w.pass().Hints
	require.Len(t, hints, 9)
	assert.Equal(t, 900, hints[8].PID)
}
