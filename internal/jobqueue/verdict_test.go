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

// verdicts are the rows of the table in docs/jobs.md, in its order. Every row is decided by itself: what it does not name is as in a run that is well.
var verdicts = []struct {
	row  string
	c    verdictInput
	want verdict
}{
	{"A process that was there before the last write lives, and something moves", verdictInput{listed: true, runner: true, runnerSeen: true, observable: true, quiet: stall - 1}, verdictNone},
	{"It lives, and nothing has moved for `stall_after`", verdictInput{listed: true, runner: true, runnerSeen: true, observable: true, quiet: stall}, verdictStalled},
	{"It lives, and there is nothing in which progress would show", verdictInput{listed: true, runner: true, runnerSeen: true, quiet: time.Hour}, verdictNone},
	{"It has been gone for less than 3 seconds", verdictInput{listed: true, runnerSeen: true, observable: true, gone: goneFor - 1, unwritten: time.Hour}, verdictNone},
	{"It has been gone for 3 seconds", verdictInput{listed: true, runnerSeen: true, observable: true, gone: goneFor}, verdictOrphaned},
	{"None was ever seen, and the last write is a minute old", verdictInput{listed: true, unwritten: longAgo}, verdictOrphaned},
	{"None was ever seen, and the last write is younger", verdictInput{listed: true, unwritten: longAgo - 1, gone: goneFor - 1}, verdictNone},
	{"None lives, but the temporary file or the output grew within the last minute", verdictInput{listed: true, gone: time.Hour, unwritten: time.Hour, growing: true, observable: true}, verdictNone},
	{"None lives, but the file was written while none lived", verdictInput{listed: true, gone: time.Hour, unwritten: time.Hour, writtenUnseen: true, observable: true, quiet: stall - 1}, verdictNone},
	{"The same, and nothing has moved for `stall_after`", verdictInput{listed: true, gone: time.Hour, unwritten: time.Hour, writtenUnseen: true, quiet: stall}, verdictOrphaned},
	{"The processes are not known, or not since the last write", verdictInput{gone: time.Hour, unwritten: time.Hour, observable: true, quiet: stall - 1}, verdictNone},
	{"The same, and nothing has moved for `stall_after`", verdictInput{gone: time.Hour, unwritten: time.Hour, observable: true, quiet: stall}, verdictStalled},
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		assert.Equal(t, v.want, judge(v.c, stall), v.row)
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
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			rows = append(rows, strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
		}
	}
	states := map[verdict]string{verdictNone: "`running`", verdictStalled: "`stalled`", verdictOrphaned: "`orphaned`"}
	var want []string
	for _, v := range verdicts {
		want = append(want, v.row+" "+states[v.want])
	}
	require.Greater(t, len(rows), 2)
	assert.Equal(t, want, rows[2:]) // below the head of the table
}

func TestSignsOfLife(t *testing.T) {
	written := time.Now()
	at := func(d time.Duration) time.Time { return written.Add(d) }
	unseen := func() (int64, bool) { return 0, false }
	for name, c := range map[string]struct {
		lives []folderEvidence
		want  time.Duration // when progress was last seen
	}{
		"nothing":                       {[]folderEvidence{{}, {}, {}}, 0},
		"CPU of work":                   {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(12.0)}, {cpu: is(14.0)}}, 20 * time.Second},
		"CPU of an idle page":           {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(11.9)}, {cpu: is(13.8)}}, 0},
		"CPU that fell: another count":  {[]folderEvidence{{cpu: is(10.0)}, {cpu: is(2.0)}, {cpu: is(3.0)}}, 0},
		"CPU that was unknown for once": {[]folderEvidence{{cpu: is(10.0)}, {}, {cpu: is(90.0)}}, 0},
		"GPU":                           {[]folderEvidence{{gpuBusy: is(false)}, {gpuBusy: is(true)}, {gpuBusy: is(false)}}, 10 * time.Second},
		"another ffmpeg":                {[]folderEvidence{{ffmpeg: is(1)}, {ffmpeg: is(2)}, {ffmpeg: is(2)}}, 10 * time.Second},
		"an ffmpeg that ended":          {[]folderEvidence{{ffmpeg: is(2)}, {ffmpeg: is(1)}, {ffmpeg: is(1)}}, 0},
	} {
		var s progress
		for i := range c.lives {
			s.observe(at(time.Duration(i)*10*time.Second), written, &c.lives[i], unseen)
		}
		assert.Equal(t, at(c.want), s.movedAt, name)
	}
}

func TestGrowthOfFilesIsASignOfLife(t *testing.T) {
	written := time.Now()
	var s progress
	looked := 0
	sizes := []int64{100, 100, 200, 200}
	for i := range 16 {
		s.observe(written.Add(time.Duration(i)*time.Second), written, &folderEvidence{}, func() (int64, bool) { looked++; return sizes[i/5], true })
	}
	assert.Equal(t, 4, looked, "every 5 seconds")
	assert.Equal(t, written.Add(10*time.Second), s.movedAt)
	assert.Equal(t, written.Add(10*time.Second), s.grown)
}

func TestRunners(t *testing.T) {
	written := time.Now()
	for name, c := range map[string]struct {
		process Process
		want    bool
	}{
		"runner before":          {Process{RoleRunner, written.Add(-time.Minute)}, true},
		"server before":          {Process{RoleServer, written.Add(-time.Minute)}, true},
		"within what is exact":   {Process{RoleRunner, written.Add(startSlack)}, true},
		"after":                  {Process{RoleRunner, written.Add(startSlack + 1)}, false},
		"one that runs no jobs":  {Process{"admin", written.Add(-time.Minute)}, false},
		"one that downloads":     {Process{"downloader", written.Add(-time.Minute)}, false},
		"one that is unheard of": {Process{"", written.Add(-time.Minute)}, false},
	} {
		assert.Equal(t, c.want, (&folderEvidence{processes: []Process{c.process}}).runner(written), name)
	}
}

func TestEvidenceOfSeveralInstances(t *testing.T) {
	now := time.Now()
	l := gather(Evidence{
		"a": {Time: now, Processes: []Process{{RoleServer, now}}, CPU: is(1.0), GPUBusy: is(true), FFmpeg: is(2)},
		"b": {Time: now.Add(-time.Second), Processes: []Process{{RoleRunner, now}}, CPU: is(5.0), GPUBusy: is(false), FFmpeg: is(3)},
	}, []string{"a", "b"})
	assert.Equal(t, &folderEvidence{
		listed: now.Add(-time.Second), processes: []Process{{RoleServer, now}, {RoleRunner, now}},
		cpu: is(6.0), gpuBusy: is(true), ffmpeg: is(5),
	}, l)
	assert.True(t, gather(Evidence{"a": {Time: now}}, []string{"a", "b"}).listed.IsZero(), "of one of them nothing is known")
}
