package facefusionlogprocessor

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/logstream"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

// followed is a stream that is read.
type followed struct {
	key    runlog.Key
	from   runlog.Writer
	stream *logstream.Stream
	// resource and attributes are those of the reader, without what only says where it reads.
	resource, attributes pcommon.Map
	// instance is whose lines these are; empty while unknown.
	instance string
	// run is the run of the line before.
	run *runlog.KnownRun
	// since is when the run at hand began. unmatched is how many records wait for it.
	since     time.Time
	unmatched int
	// phases and findings are to be published.
	phases   []runlog.EndedPhase
	findings []runlog.Finding
	// heard is when a piece last came.
	heard time.Time
	// next is where the next piece of the file stands; -1 while unknown.
	next int64
	// early are pieces that came before one that stands before them: file_log hands pieces over
	// from two goroutines.
	early []streamChunk
	// omitted is how many bytes were reported as omitted.
	omitted int64
}

const (
	// earlyLimit bounds the pieces that wait for one before them, earlyFor the time.
	earlyLimit = 32
	earlyFor   = time.Second
)

// write takes a piece, in the order of the file.
func (f *followed) write(p streamChunk, now time.Time) {
	f.heard = now
	switch {
	case p.offset < 0 || f.next < 0:
	case p.offset > f.next && len(f.early) < earlyLimit:
		f.early = append(f.early, p)
		return
	case p.offset != f.next: // another file, or the same from its beginning
		f.giveUp()
		f.stream.Cut()
	}
	f.take(p)
	for i := f.following(); i >= 0; i = f.following() {
		p = f.early[i]
		f.early = slices.Delete(f.early, i, i+1)
		f.take(p)
	}
}

func (f *followed) take(p streamChunk) {
	f.next = -1
	if p.offset >= 0 {
		f.next = p.offset + int64(len(p.text))
	}
	f.stream.Write(p.at, p.text)
}

func (f *followed) following() int {
	return slices.IndexFunc(f.early, func(p streamChunk) bool { return p.offset == f.next })
}

// giveUp takes the pieces for whose predecessor nobody waits any more.
func (f *followed) giveUp() {
	slices.SortStableFunc(f.early, func(a, b streamChunk) int { return int(min(max(a.offset-b.offset, -1), 1)) })
	early := f.early
	f.early = nil
	for _, p := range early {
		if p.offset != f.next {
			f.stream.Cut()
		}
		f.take(p)
	}
}

// idle takes what has waited for too long.
func (f *followed) idle(now time.Time) {
	if now.Sub(f.heard) >= earlyFor {
		f.giveUp()
		f.stream.Idle()
	}
}
