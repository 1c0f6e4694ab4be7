package logstream

import (
	"cmp"
	"slices"
	"time"
)

const (
	// barLimit bounds the bars that are followed at once: one for each FaceFusion that writes the
	// stream.
	barLimit = 8
	// rateWindow is over how long the rate of a bar is taken, rateStep how far the points are
	// apart.
	rateWindow = 15 * time.Second
	rateStep   = time.Second
	// barSilence is after how long another bar of the same kind is taken for a new one. What is
	// wrong about that costs a phase its start, and no frame.
	barSilence = time.Minute
)

// bar is a bar that is open.
type bar struct {
	run PhaseRun
	// base is how many frames were done before the stream was read from; they are not counted.
	base int64
	// begun is when the bar would have started by the clock of its first record.
	begun time.Time
	// clock is what the bar itself says, in whole seconds.
	clock   time.Duration
	rate    float64
	content float64
	// points are counts of the last seconds.
	points []point
	// shown is when a record about it was made.
	shown time.Time
	// parted says that it was reported as ended. It may go on after all: what was said, or the
	// newline, may have been another FaceFusion's.
	parted bool
	// counted is how much of its time is in the totals.
	counted time.Duration
}

// point is a count of frames: at is when it was read, clock what the bar said.
type point struct {
	at     time.Time
	clock  time.Duration
	frames int64
}

// until is how long after the point a later one was written. When it was read is exact to the
// fraction of a second in which a reader looks, and the bar's clock to a whole one; but a stream
// that comes in bursts is read at other times than it was written.
func (p *point) until(later *point) time.Duration {
	read, said := later.at.Sub(p.at), later.clock-p.clock
	if read < said-time.Second || read > said+time.Second {
		return said
	}
	return read
}

// bars follows the bars of a stream. Several FaceFusions may write to one, so that records of
// several bars alternate.
type bars struct {
	open []*bar
	// last is the one of the last record.
	last *bar
	// joined says that a bar was seen to begin: what is met in the middle from then on was not
	// there before.
	joined bool
}

// update takes the next record of a bar and says which bar it belongs to, how many frames more were
// done, and which bar was lost for it: too old, or the oldest of too many.
func (b *bars) update(at time.Time, step int, p *barRecord) (current *bar, frames int64, lost *bar) {
	current = b.find(at, p)
	if current == nil {
		lost = b.makeRoom(at, p)
		current = b.begin(at, step, p)
	}
	b.last = current
	if current.parted && current.complete() {
		return current, 0, lost // its last record comes twice
	}
	if current.parted {
		current.run.Step = step
	}
	done := max(p.n-max(current.run.Frames, current.base), 0)
	current.advance(at, p)
	return current, done, lost
}

// find is the open bar that the record continues: of the same phase and length, not beyond it, and
// closest to it. One writer has one bar of a kind; with several it may be the bar of another, and
// the sum of frames is right all the same.
func (b *bars) find(at time.Time, p *barRecord) *bar {
	var best *bar
	for _, o := range b.open {
		switch {
		case !o.alike(p), o.run.Frames > p.n:
		case p.n == 0 && (o.run.Frames > 0 || o.parted):
		case best == nil, o.rank(at) > best.rank(at):
			best = o
		case o.rank(at) == best.rank(at) && (o.run.Frames > best.run.Frames || o.run.Frames == best.run.Frames && o == b.last):
			best = o
		}
	}
	return best
}

// rank puts bars that moved lately before those whose writer is probably dead.
func (o *bar) rank(at time.Time) int {
	if at.Sub(o.run.Updated) > barSilence {
		return 0
	}
	return 1
}

func (o *bar) alike(p *barRecord) bool {
	return o.run.Phase == p.phase && o.run.Total == p.total && (o.run.File == p.file || o.run.File == "" || p.file == "")
}

// makeRoom gives up the bar in whose place a new one begins, if there is one that has been silent,
// or if there are too many.
func (b *bars) makeRoom(at time.Time, p *barRecord) *bar {
	for _, o := range b.open {
		if o.alike(p) && (o.rank(at) == 0 || o.parted && o.complete()) {
			return o
		}
	}
	if len(b.open) >= barLimit {
		return slices.MinFunc(b.open, func(x, y *bar) int {
			if x.parted != y.parted {
				return cmp.Compare(bit(y.parted), bit(x.parted))
			}
			return x.run.Updated.Compare(y.run.Updated)
		})
	}
	return nil
}

func (b *bars) begin(at time.Time, step int, p *barRecord) *bar {
	o := &bar{run: PhaseRun{Phase: p.phase, Step: step, Total: p.total, Left: -1}, begun: at.Add(-p.elapsed), content: -1}
	if p.n > 0 && !b.joined {
		o.base = p.n
	}
	b.joined = true
	b.open = append(b.open, o)
	return o
}

// closing is the bar that a newline after a record of a bar closes: the one that is complete, as
// another may have written in between.
func (b *bars) closing() *bar {
	if b.last == nil || b.last.complete() {
		return b.last
	}
	for _, o := range b.open {
		if o.complete() && !o.parted {
			return o
		}
	}
	return b.last
}

func (o *bar) complete() bool { return o.run.Total > 0 && o.run.Frames >= o.run.Total }

// remove takes a bar away.
func (b *bars) remove(o *bar) {
	b.open = slices.DeleteFunc(b.open, func(x *bar) bool { return x == o })
	if b.last == o {
		b.last = nil
	}
}

// end works out the figures of a bar that has ended. closed says that it ended by itself, with the
// newline that tqdm writes then.
func (o *bar) end(closed bool) {
	o.run.Ended = true
	o.run.Completed = closed && o.complete()
	o.run.Left = -1
	if closed && o.rate > 0 {
		// The last record of a bar that is closed shows the rate of all of it, with three digits or
		// more: better than whole seconds.
		if whole := time.Duration(float64(o.run.Frames) / o.rate * float64(time.Second)); o.clock <= whole+rounding && whole <= o.clock+time.Second+rounding {
			o.run.Elapsed = whole
		}
	}
	o.setStart()
	if seconds := o.run.Elapsed.Seconds(); seconds > 0 {
		o.run.Rate = float64(o.run.Frames) / seconds
	}
}

// rounding is how far a duration that is taken from a rate may be off.
const rounding = 20 * time.Millisecond

func (o *bar) advance(at time.Time, p *barRecord) {
	o.run.Updated, o.run.Ended, o.parted = at, false, false
	o.run.Frames, o.clock, o.rate = p.n, p.elapsed, p.rate
	if p.content >= 0 {
		o.content = p.content
	}
	if p.file != "" {
		o.run.File = p.file
	}
	// The bar's clock has whole seconds; the time of reading refines it, unless the stream comes in
	// bursts.
	o.run.Elapsed = min(max(at.Sub(o.begun), o.clock), o.clock+time.Second-time.Millisecond)
	o.setStart()
	o.measure()
}

func (o *bar) setStart() { o.run.Started = o.run.Updated.Add(-o.run.Elapsed) }

// measure takes rate and time left from what was counted over the last seconds.
func (o *bar) measure() {
	now := point{o.run.Updated, o.clock, o.run.Frames}
	switch last := len(o.points) - 1; {
	case last >= 0 && o.points[last].at.Equal(now.at) && o.points[last].clock == now.clock:
		o.points[last] = now // read at once with the one before
	case last < 0 || o.points[last].until(&now) >= rateStep:
		o.points = append(o.points, now)
	}
	for len(o.points) > 2 && o.points[1].until(&now) >= rateWindow {
		o.points = o.points[1:]
	}
	first := &o.points[0]
	age, done := first.until(&now), float64(now.frames-first.frames)
	if age > rateWindow && len(o.points) > 1 {
		second := &o.points[1]
		share := (age - rateWindow).Seconds() / (age - second.until(&now)).Seconds()
		done -= share * float64(second.frames-first.frames)
		age = rateWindow
	}
	o.run.Rate, o.run.Left = 0, -1
	if age >= rateStep {
		o.run.Rate = done / age.Seconds()
	}
	rate := o.run.Rate
	if rate <= 0 {
		rate = o.rate // tqdm's own, which is there from the first frame on
	}
	if rate > 0 && o.run.Total > 0 {
		o.run.Left = time.Duration(float64(max(o.run.Total-o.run.Frames, 0)) / rate * float64(time.Second))
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
