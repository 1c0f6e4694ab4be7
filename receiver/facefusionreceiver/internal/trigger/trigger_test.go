package trigger

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ticks runs a trigger of 15 s for a while and returns when it said to scrape.
func ticks(t *testing.T, during time.Duration, disturb func(*Trigger)) (at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(15 * time.Second)
		start := time.Now()
		tr.Start()
		go disturb(tr)
		end := time.After(during)
		for {
			select {
			case now := <-tr.C():
				at = append(at, now.Sub(start))
				continue
			case <-end:
			}
			break
		}
		tr.Stop()
		tr.Stop()
	})
	return at
}

func TestTicksEveryInterval(t *testing.T) {
	got := ticks(t, 50*time.Second, func(*Trigger) {})
	require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second, 45 * time.Second}, got)
}

func TestTicksSoonAfterARequest(t *testing.T) {
	got := ticks(t, 20*time.Second, func(tr *Trigger) {
		time.Sleep(3 * time.Second)
		tr.RequestScrape()
		time.Sleep(50 * time.Millisecond)
		tr.RequestScrape() // belongs to the first
	})
	require.Equal(t, []time.Duration{3100 * time.Millisecond, 15 * time.Second}, got)
}

func TestRequestsAreNoStorm(t *testing.T) {
	got := ticks(t, 2*time.Second, func(tr *Trigger) {
		for range 1900 {
			time.Sleep(time.Millisecond)
			tr.RequestScrape()
		}
	})
	require.Equal(t, []time.Duration{101 * time.Millisecond, 601 * time.Millisecond, 1101 * time.Millisecond, 1601 * time.Millisecond}, got)
}

// TestALateReaderGetsOneTick: a machine under load scrapes once, not twice in the same millisecond.
func TestALateReaderGetsOneTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(time.Second)
		tr.Start()
		defer tr.Stop()
		time.Sleep(3500 * time.Millisecond)
		tr.RequestScrape()
		<-tr.C()
		begin := time.Now()
		tr.RequestScrape()
		<-tr.C()
		require.Equal(t, spacing, time.Since(begin))
	})
}

// TestOneTickWhereTwoMeet: a change just before the interval is over.
func TestOneTickWhereTwoMeet(t *testing.T) {
	got := ticks(t, 31*time.Second, func(tr *Trigger) {
		time.Sleep(14850 * time.Millisecond)
		tr.RequestScrape()
	})
	require.Equal(t, []time.Duration{14950 * time.Millisecond, 30 * time.Second}, got)
}

// TestTheIntervalServesARequest: the interval is over within the debounce of a request.
func TestTheIntervalServesARequest(t *testing.T) {
	got := ticks(t, 31*time.Second, func(tr *Trigger) {
		time.Sleep(14950 * time.Millisecond)
		tr.RequestScrape()
	})
	require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second}, got)
}

func TestStopWaitsForNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(time.Second)
		tr.Start()
		time.Sleep(10 * time.Second)
		tr.RequestScrape()
		tr.Stop()
	})
}

func TestStopUnstarted(*testing.T) { New(time.Second).Stop() }

// partsTaken runs a trigger of 15 s with two parts and returns which of them each scrape had, after
// the first.
func partsTaken(t *testing.T, during time.Duration, disturb func(first, second *Part)) (taken []string) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(15 * time.Second)
		first, second := tr.NewPart(), tr.NewPart()
		require.True(t, first.Take() && second.Take(), "the first scrape has all")
		tr.Start()
		go disturb(first, second)
		start, end := time.Now(), time.After(during)
		for {
			select {
			case now := <-tr.C():
				had := now.Sub(start).String()
				if first.Take() {
					had += " first"
				}
				if second.Take() {
					had += " second"
				}
				taken = append(taken, had)
				continue
			case <-end:
			}
			break
		}
		tr.Stop()
	})
	return taken
}

func TestAnEarlyScrapeHasWhatAskedForIt(t *testing.T) {
	require.Equal(t, []string{"3.1s first", "5.1s first second", "15s first second"}, partsTaken(t, 20*time.Second, func(first, second *Part) {
		time.Sleep(3 * time.Second)
		first.RequestScrape()
		time.Sleep(2 * time.Second)
		first.RequestScrape()
		second.RequestScrape()
	}))
}

// TestTheIntervalIsNotLostToAPart: an early scrape of one part just before the interval is over is
// no scrape of the other.
func TestTheIntervalIsNotLostToAPart(t *testing.T) {
	require.Equal(t, []string{"14.95s first", "15.45s first second", "30s first second"}, partsTaken(t, 31*time.Second, func(first, _ *Part) {
		time.Sleep(14850 * time.Millisecond)
		first.RequestScrape()
	}))
}
