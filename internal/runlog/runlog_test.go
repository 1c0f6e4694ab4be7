package runlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

// newRun has one step for each pair of times; an end of 0 is none.
func newRun(job string, steps ...[2]float64) KnownRun {
	r := KnownRun{Instance: "a", Job: job, Attempt: 1, Root: [8]byte{job[0]}}
	for i, s := range steps {
		step := KnownStep{Span: [8]byte{job[0], byte(i + 1)}}
		if s[0] >= 0 {
			step.Started = at(s[0])
		}
		if s[1] > 0 {
			step.Ended = at(s[1])
		}
		r.Steps = append(r.Steps, step)
		r.Ended = step.Ended
	}
	r.Started = r.Steps[0].Started
	return r
}

func TestMatch(t *testing.T) {
	running, ended := newRun("running", [2]float64{100, 0}), newRun("ended", [2]float64{50, 60})
	two := newRun("two", [2]float64{100, 110}, [2]float64{110, 0})
	for name, c := range map[string]struct {
		runs []KnownRun
		line Line
		want string
	}{
		"within":                        {[]KnownRun{running, ended}, Line{At: at(120)}, "running"},
		"after the end":                 {[]KnownRun{running, ended}, Line{At: at(62)}, "ended"},
		"long after the end":            {[]KnownRun{ended}, Line{At: at(70)}, ""},
		"before the start":              {[]KnownRun{running}, Line{At: at(98)}, "running"},
		"long before the start":         {[]KnownRun{running}, Line{At: at(90)}, ""},
		"of two, none can be told":      {[]KnownRun{running, newRun("other", [2]float64{100, 0})}, Line{At: at(120)}, ""},
		"of two, by the job":            {[]KnownRun{running, newRun("other", [2]float64{100, 0})}, Line{At: at(120), Job: "other"}, "other"},
		"of two, by the number of step": {[]KnownRun{running, two}, Line{At: at(120), Step: 2}, "two"},
		"of two, by the step at hand":   {[]KnownRun{newRun("late", [2]float64{100, 0}, [2]float64{-1, 0}), two}, Line{At: at(130), Step: 2}, "two"},
		"another instance":              {[]KnownRun{running}, Line{Instance: "b", At: at(120)}, ""},
		"begins":                        {[]KnownRun{running, ended}, Line{At: at(100.2), Begins: true}, "running"},
		"begins before it is known":     {[]KnownRun{ended}, Line{At: at(61), Begins: true}, ""},
		"begins, the first of two":      {[]KnownRun{newRun("second", [2]float64{100.5, 101}), newRun("first", [2]float64{100, 100.5})}, Line{At: at(101.1), Begins: true}, "first"},
		"after one that is not known":   {[]KnownRun{ended}, Line{At: at(61), Since: at(60.5)}, ""},
	} {
		if c.line.Instance == "" {
			c.line.Instance = "a"
		}
		got := (&Known{Runs: c.runs}).Match(c.line, nil, nil)
		if c.want == "" {
			require.Nil(t, got, name)
			continue
		}
		require.NotNil(t, got, name)
		require.Equal(t, c.want, got.Job, name)
	}
	require.Nil(t, (*Known)(nil).Match(Line{}, nil, nil))
	k := &Known{Runs: []KnownRun{running, newRun("other", [2]float64{100, 0})}}
	require.Equal(t, "other", k.Match(Line{Instance: "a", At: at(120)}, &k.Runs[1], nil).Job, "the lines before were its")
	require.Equal(t, "other", k.Match(Line{Instance: "a", At: at(120)}, nil, func(r *KnownRun) bool { return r.Job == "running" }).Job)
	require.Equal(t, [8]byte{'t', 2}, two.Span(Line{Step: 2}))
	require.Equal(t, [8]byte{'t'}, two.Span(Line{}))
}

func TestAccount(t *testing.T) {
	e := For(t.Name())
	require.Same(t, e, For(t.Name()))
	phase := func(job string, seconds float64, name logstream.Phase) EndedPhase {
		return EndedPhase{PhaseRun: logstream.PhaseRun{Phase: name, Updated: at(seconds), Ended: true}, Job: job}
	}
	e.AddPhase("a", phase("x", 10, logstream.PhaseAnalysing))
	e.AddPhase("a", phase("y", 11, logstream.PhaseExtracting))
	e.AddPhase("a", phase("", 12, logstream.PhaseProcessing))
	e.AddPhase("a", phase("", 99, logstream.PhaseMerging))
	e.AddPhase("b", phase("x", 12, logstream.PhaseMerging))
	e.Update(Key{"p", "s"}, StreamHealth{Instance: "a", Updated: at(19), Open: []logstream.PhaseRun{{Phase: logstream.PhaseStreaming, Updated: at(19)}}})
	for _, f := range []Finding{
		{Time: at(13), Cause: logstream.CauseProvider, Job: "x"},
		{Time: at(14), Cause: logstream.CauseException, Job: "x", Text: "first"},
		{Time: at(15), Cause: logstream.CauseException, Job: "x", Text: "again"},
		{Time: at(24), Cause: logstream.CauseGPUMemory, Text: "after the end"},
		{Time: at(15), Cause: logstream.CauseDiskFull, Job: "y"},
	} {
		e.AddFinding("a", f)
	}
	account := e.Account("a", "x", at(9), at(20))
	var phases []logstream.Phase
	for _, p := range account.Phases {
		phases = append(phases, p.Phase)
	}
	require.Equal(t, []logstream.Phase{logstream.PhaseAnalysing, logstream.PhaseProcessing, logstream.PhaseStreaming}, phases)
	require.Len(t, account.Causes, 3)
	require.Equal(t, "after the end", account.Cause().Text)
	only := Account{Causes: []Finding{{Cause: logstream.CauseProvider}}}
	require.Nil(t, only.Cause(), "a fallback ends no run")
	none := e.Account("nobody", "x", at(0), at(1))
	require.Nil(t, none.Cause())
}

func TestTotalsOutliveTheirStreams(t *testing.T) {
	e := For(t.Name())
	one, two := Key{"p", "1"}, Key{"p", "2"}
	totals := func(n int64) (t logstream.Totals) {
		t.Records = n
		return t
	}
	e.Update(one, StreamHealth{Instance: "a", Updated: at(1), Totals: totals(3)})
	e.Update(two, StreamHealth{Instance: "a", Updated: at(2), Totals: totals(4)})
	e.Update(Key{"p", "3"}, StreamHealth{Totals: totals(100)}) // nobody's
	require.Equal(t, int64(7), e.Logs()[0].Totals.Records)
	require.Equal(t, at(1), e.Logs()[0].Since)
	require.Equal(t, at(2), e.Logs()[0].Updated)
	e.Close(one)
	e.Close(one)
	require.Equal(t, int64(7), e.Logs()[0].Totals.Records)
	require.Len(t, e.Logs(), 1)
}

func TestBounds(t *testing.T) {
	e := For(t.Name())
	for i := range 2 * historyLimit {
		e.AddFinding("a", Finding{Time: at(float64(i)), Cause: logstream.CauseStopped, Step: i})
		e.AddPhase(fmt.Sprint("i", i), EndedPhase{PhaseRun: logstream.PhaseRun{Updated: at(0)}})
	}
	require.LessOrEqual(t, len(e.logs), instanceLimit)
	require.LessOrEqual(t, len(e.logs["a"].findings), historyLimit)
	require.Equal(t, 2*historyLimit-1, e.logs["a"].findings[len(e.logs["a"].findings)-1].Step)
}

func TestSubscribers(t *testing.T) {
	e := For(t.Name())
	n := 0
	cancel := e.Subscribe(func() { n++ })
	e.AddFinding("a", Finding{})
	cancel()
	e.AddFinding("a", Finding{})
	require.Equal(t, 1, n)
}

func TestReceiverPublishesInPieces(t *testing.T) {
	e := For(t.Name())
	require.Nil(t, e.Known())
	require.Nil(t, e.Known().Resolve(Writer{}))
	e.PublishRuns([]KnownRun{{Job: "x"}})
	e.PublishInstances(KnownHost{Name: "gpu-1"}, []KnownInstance{{ID: "a", PIDs: []int{1}}, {ID: "b", Containers: []string{"c1"}}})
	k := e.Known()
	require.Equal(t, "x", k.Runs[0].Job)
	require.Equal(t, "gpu-1", k.Host.Name)
	require.Equal(t, "a", k.Resolve(Writer{PID: 1}).ID)
	require.Equal(t, "b", k.Resolve(Writer{Container: "c1"}).ID)
	require.Equal(t, "b", k.Resolve(Writer{Instance: "b", PID: 1}).ID)
	k.Instances[0].Pods, k.Instances[1].Pods = []string{"p1", "p2"}, []string{"p2", "p3"}
	require.Equal(t, "b", k.Resolve(Writer{Pod: "p3"}).ID)
	require.Equal(t, "b", k.Resolve(Writer{Pod: "p2", Container: "c1"}).ID, "the container tells more")
	require.Nil(t, k.Resolve(Writer{Pod: "p2"}), "two FaceFusions of one pod")
	require.Nil(t, k.Resolve(Writer{PID: 2}))
	k.Instances[0].Files = []KnownFile{{"/log/a", ClaimByName}, {"/log/both", ClaimByName}}
	k.Instances[1].Files = []KnownFile{{"/log/both", ClaimByName}, {"/log/b", ClaimByName}}
	require.Equal(t, "b", k.Resolve(Writer{Files: []string{"/link", "/log/b"}}).ID)
	require.Nil(t, k.Resolve(Writer{Files: []string{"/log/both"}}))
	require.Nil(t, k.Resolve(Writer{Files: []string{"/log/c"}}))
	require.Nil(t, k.Resolve(Writer{Instance: "c"}))
	e.Withdraw()
	require.Nil(t, e.Known())
}

// TestAnotherContainerIsNotTheOnlyInstance: the output of any program in a container or a pod, and
// of another process, is no line of the only FaceFusion that there is.
func TestAnotherContainerIsNotTheOnlyInstance(t *testing.T) {
	k := &Known{Instances: []KnownInstance{{ID: "a", PIDs: []int{1}, Files: []KnownFile{{"/log/a", ClaimByName}}}}}
	require.Equal(t, "a", k.Resolve(Writer{Files: []string{"/log/of a wrapper"}}).ID, "nothing else is named")
	require.Nil(t, k.Resolve(Writer{Container: "c1", Files: []string{"/log/c1-json.log"}}))
	require.Nil(t, k.Resolve(Writer{Pod: "p1", Files: []string{"/log/pods/x_y_p1/z/0.log"}}))
	require.Nil(t, k.Resolve(Writer{PID: 2}))
	require.Equal(t, "a", k.Resolve(Writer{Container: "c1", Files: []string{"/log/a"}}).ID, "it is its own file")
	k.Instances[0].PIDs = nil
	require.Equal(t, "a", k.Resolve(Writer{PID: 2}).ID, "the last line of a unit that has ended")
	require.Nil(t, k.Resolve(Writer{Container: "c1"}))
}

// TestAContainerGoesBeforeItsFile: who has the file of a container open is not who runs in it.
func TestAContainerGoesBeforeItsFile(t *testing.T) {
	k := &Known{Instances: []KnownInstance{{ID: "a", Containers: []string{"c1"}}, {ID: "b", Files: []KnownFile{{"/log/c1-json.log", ClaimByOwner}}}}}
	require.Equal(t, "a", k.Resolve(Writer{Container: "c1", Files: []string{"/log/c1-json.log"}}).ID)
}

// TestTheOwnerOfAFileGoesBeforeOthers: of several who have a file open it is its owner's, and who
// writes it goes before who is known by the name alone.
func TestTheOwnerOfAFileGoesBeforeOthers(t *testing.T) {
	is := func(a, b FileClaim) string {
		k := &Known{Instances: []KnownInstance{{ID: "a", Files: []KnownFile{{"/log", a}}}, {ID: "b", Files: []KnownFile{{"/log", b}}}}}
		if o := k.Resolve(Writer{Files: []string{"/log"}}); o != nil {
			return o.ID
		}
		return ""
	}
	require.Equal(t, "a", is(ClaimByOwner, ClaimByWriting))
	require.Equal(t, "b", is(ClaimByName, ClaimByWriting))
	require.Empty(t, is(ClaimByWriting, ClaimByWriting))
	require.Empty(t, is(0, 0))
}
