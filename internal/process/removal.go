package process

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// removedFor is for how long a container must be gone: one that is created anew has gone for a
	// moment.
	removedFor = 30 * time.Second
	// removedEvery is how often that is asked of an instance that does not run.
	removedEvery = 10 * time.Second
	// stoppedFor is for how long an instance whose services were stopped is reported as such: an
	// alert on what stayed away counts a stop that was there for ten minutes.
	stoppedFor = 15 * time.Minute
)

// removed says that the container of an instance does not exist any more. What is stopped may be
// started again.
func (s *instanceSet) removed(i *instanceState, now time.Time) bool {
	if i.own > 0 || i.site.layer == "" {
		i.gone, i.asked = time.Time{}, time.Time{}
		return false
	}
	if now.Sub(i.asked) < removedEvery {
		return false
	}
	i.asked = now
	root := s.files.hostRoot()
	_, err := root.Stat(i.site.layer)
	_, above := root.Stat(filepath.Dir(i.site.layer))
	switch {
	case above != nil || !errors.Is(err, os.ErrNotExist):
		i.gone = time.Time{}
		return false
	case i.gone.IsZero():
		i.gone = now
	}
	return now.Sub(i.gone) >= removedFor
}

// forgetRemoved forgets those of the removed that nobody misses. That a container removes itself
// when its service crashes (docker run --rm) is no reason to be silent about the crash.
func (s *instanceSet) forgetRemoved(removed []*instanceState, now time.Time) {
	slices.SortFunc(removed, func(a, b *instanceState) int {
		return cmp.Or(a.missedSince().Compare(b.missedSince()), cmp.Compare(a.id, b.id))
	})
	for _, i := range removed {
		if i.retired(now) {
			s.remove(i)
		} else if successor := s.successor(i); successor != nil {
			successor.born = time.Time{} // it takes one place
			s.remove(i)
		}
	}
}

// retired says that all of an instance ended on purpose, and was shown as stopped for long enough.
// Runs end, and are not missed.
func (i *instanceState) retired(now time.Time) bool {
	return len(i.ended) == 0 || i.stopped() && now.Sub(i.missedSince()) >= stoppedFor
}

// missedSince is when the last of its services ended; zero where none is missed.
func (i *instanceState) missedSince() (last time.Time) {
	for _, e := range i.ended {
		if e.Since.After(last) {
			last = e.Since
		}
	}
	return last
}

// successor is an instance that was created in place of one whose container was removed, where
// nothing lasting names it: a container of the same user with the same folder that came after it
// had ended, and that has taken nobody's place yet. Another user may run the same image.
func (s *instanceSet) successor(i *instanceState) *instanceState {
	return s.first(func(other *instanceState) bool {
		return other.conf == nil && other.services > 0 && other.site.container != "" && other.jobs.inner == i.jobs.inner &&
			other.uid == i.uid && other.stranger == i.stranger && !other.born.IsZero() && !other.born.Before(i.missedSince())
	})
}
