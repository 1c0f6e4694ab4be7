package jobqueue

import "time"

// verdict is what is made of a job whose file says that it runs.
type verdict uint8

const (
	verdictNone verdict = iota // nothing speaks against the file
	verdictStalled
	verdictOrphaned
)

// verdictInput are all that a verdict rests on.
type verdictInput struct {
	// listed: the processes were listed after the file was last written.
	listed bool
	// runner: a process that runs jobs, and is older than the last write, lives.
	runner bool
	// gone is for how long there has been none; seen says that there was one before.
	gone       time.Duration
	runnerSeen bool
	// writtenUnseen: the file was written when no process lived that could have.
	writtenUnseen bool
	// unwritten is the time since the last write.
	unwritten time.Duration
	// growing: the files of the step grew lately, whoever makes them grow.
	growing bool
	// observable: there is something in which progress would show.
	observable bool
	// quiet is for how long nothing has shown progress.
	quiet time.Duration
}

const (
	// goneFor guards against a list of processes that misses one once.
	goneFor = 3 * time.Second
	// longAgo is when a job without a process was not just taken by one that is still to be seen.
	longAgo = time.Minute
	// growingFor is for how long growth counts as a sign of somebody who cannot be seen, such as another host.
	growingFor = time.Minute
)

// judge is the table in docs/jobs.md.
func judge(c verdictInput, stallAfter time.Duration) verdict {
	lost := c.gone >= goneFor || !c.runnerSeen && c.unwritten >= longAgo
	switch {
	case c.listed && !c.runner && !c.growing && lost && (!c.writtenUnseen || c.quiet >= stallAfter):
		return verdictOrphaned
	case c.observable && c.quiet >= stallAfter:
		return verdictStalled
	default:
		return verdictNone
	}
}
