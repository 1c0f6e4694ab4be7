package jobqueue

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const stall = 5 * time.Minute

// verdicts are the rows of the table in docs/jobs.md, in its order. Every row is decided by itself:
// what it does not name is as in a run that is well.
var verdicts = []struct {
	row    string
	in     verdictInput
	want   verdict
	basis  Basis
	reason LossReason
}{
	{
		"Gradio counted an exception in the web UI's call, and nothing of the job has moved for 6 seconds",
		verdictInput{listed: true, held: true, alive: true, failedCall: true, ownQuiet: ownQuietFor, observable: true}, verdictOrphaned, BasisFailedCall, ReasonException,
	},
	{
		"Gradio counted an exception, and the web UI took its next job",
		verdictInput{listed: true, held: true, alive: true, failedCall: true, nextJob: true, observable: true}, verdictOrphaned, BasisFailedCall, ReasonException,
	},
	{
		"The web UI took its next job",
		verdictInput{listed: true, held: true, alive: true, nextJob: true, observable: true}, verdictOrphaned, BasisNextJob, ReasonSuperseded,
	},
	{
		"The process that had the run exited, and the kernel reported how",
		verdictInput{listed: true, held: true, exit: ReasonKilled, observable: true}, verdictOrphaned, BasisProcessExit, ReasonKilled,
	},
	{
		"All processes that could have the run have been gone for 3 seconds",
		verdictInput{listed: true, held: true, gone: goneFor, observable: true}, verdictOrphaned, BasisProcessExit, ReasonGone,
	},
	{
		"They have been gone for less",
		verdictInput{listed: true, held: true, gone: goneFor - 1, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"They are gone, but the files of the step grow on",
		verdictInput{listed: true, held: true, gone: time.Hour, growing: true, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, and the last change is a minute old",
		verdictInput{listed: true, unwritten: longAgo}, verdictOrphaned, BasisNoProcess, ReasonGone,
	},
	{
		"None was ever seen, and the last change is younger",
		verdictInput{listed: true, unwritten: longAgo - 1}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, but the files of the step grew within the last minute",
		verdictInput{listed: true, unwritten: time.Hour, growing: true, observable: true}, verdictNone, BasisProgress, "",
	},
	{
		"None was ever seen, and the folder is on a share",
		verdictInput{listed: true, unwritten: time.Hour, shared: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The file changed after all had gone",
		verdictInput{listed: true, unwritten: time.Hour, writtenUnseen: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The same, and nothing has moved for `stall_after`",
		verdictInput{listed: true, unwritten: time.Hour, writtenUnseen: true, observable: true, quiet: stall}, verdictOrphaned, BasisNoProcess, ReasonGone,
	},
	{
		"A process that can have the run lives, and something moves",
		verdictInput{listed: true, held: true, alive: true, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"It lives, and nothing has moved for `stall_after`",
		verdictInput{listed: true, held: true, alive: true, observable: true, quiet: stall}, verdictStalled, BasisSilence, "",
	},
	{
		"It lives, and there is nothing in which progress would show",
		verdictInput{listed: true, held: true, alive: true, quiet: time.Hour}, verdictNone, BasisProgress, "",
	},
	{
		"The processes are not known, or not since the last change",
		verdictInput{unwritten: time.Hour, observable: true, quiet: stall - 1}, verdictNone, BasisProgress, "",
	},
	{
		"The same, and nothing has moved for `stall_after`",
		verdictInput{unwritten: time.Hour, observable: true, quiet: stall}, verdictStalled, BasisSilence, "",
	},
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		got, basis, reason := judge(v.in, stall)
		assert.Equal(t, v.want, got, v.row)
		assert.Equal(t, v.basis, basis, v.row)
		assert.Equal(t, v.reason, reason, v.row)
	}
}

// TestARunIsNotLostWhileOneOfItsProcessesLives: another that could have had it was killed.
func TestARunIsNotLostWhileOneOfItsProcessesLives(t *testing.T) {
	got, _, reason := judge(verdictInput{listed: true, held: true, alive: true, exit: ReasonKilled, gone: time.Hour, observable: true}, stall)
	require.Equal(t, verdictNone, got)
	require.Empty(t, reason)
}

// TestVerdictsOnAProcessNeedAFreshList: who wrote the file after the processes were listed is not
// in the list, so that whoever is missing there says nothing.
func TestVerdictsOnAProcessNeedAFreshList(t *testing.T) {
	for _, v := range verdicts {
		if v.basis != BasisProcessExit && v.basis != BasisNoProcess {
			continue
		}
		in := v.in
		in.listed = false
		got, basis, _ := judge(in, time.Duration(1<<62))
		assert.Equal(t, verdictNone, got, v.row)
		assert.Equal(t, BasisProgress, basis, v.row)
	}
}

// TestVerdictsAreDocumented keeps the table that users read the one that is decided by.
func TestVerdictsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/jobs.md")
	require.NoError(t, err)
	var rows []string
	_, section, found := strings.Cut(string(text), "## Stalled and orphaned")
	require.True(t, found)
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			rows = append(rows, strings.TrimSpace(cells[1])+" | "+strings.TrimSpace(cells[2])+" | "+strings.TrimSpace(cells[3])+" | "+strings.TrimSpace(cells[4]))
		}
	}
	states := map[verdict]string{verdictNone: "`running`", verdictStalled: "`stalled`", verdictOrphaned: "`orphaned`"}
	var want []string
	for _, v := range verdicts {
		reason := ""
		if v.reason != "" {
			reason = "`" + string(v.reason) + "`"
		}
		want = append(want, v.row+" | "+states[v.want]+" | `"+string(v.basis)+"` | "+reason)
	}
	require.Greater(t, len(rows), 2)
	assert.Equal(t, want, rows[2:]) // below the head of the table
}
