package facefusionreceiver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// beats runs a pulse of 15 s for a while and returns when it said to scrape.
func beats(t *testing.T, during time.Duration, disturb func(*pulse)) (at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(15 * time.Second)
		start := time.Now()
		p.start()
		go disturb(p)
		end := time.After(during)
		for {
			select {
			case now := <-p.C:
				at = append(at, now.Sub(start))
				continue
			case <-end:
			}
			break
		}
		p.stop()
		p.stop()
	})
	return at
}

func TestPulseBeatsEveryInterval(t *testing.T) {
	got := beats(t, 50*time.Second, func(*pulse) {})
	require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second, 45 * time.Second}, got)
}

func TestPulseBeatsSoonAfterAChange(t *testing.T) {
	got := beats(t, 20*time.Second, func(p *pulse) {
		time.Sleep(3 * time.Second)
		p.changed()
		time.Sleep(50 * time.Millisecond)
		p.changed() // belongs to the first
	})
	require.Equal(t, []time.Duration{3100 * time.Millisecond, 15 * time.Second}, got)
}

func TestPulseIsNoStorm(t *testing.T) {
	got := beats(t, 2*time.Second, func(p *pulse) {
		for range 1900 {
			time.Sleep(time.Millisecond)
			p.changed()
		}
	})
	require.Equal(t, []time.Duration{101 * time.Millisecond, 601 * time.Millisecond, 1101 * time.Millisecond, 1601 * time.Millisecond}, got)
}

// TestPulseGivesALateReaderOneBeat: a machine under load scrapes once, not twice in the same millisecond.
func TestPulseGivesALateReaderOneBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(time.Second)
		p.start()
		defer p.stop()
		time.Sleep(3500 * time.Millisecond)
		p.changed()
		<-p.C
		begin := time.Now()
		p.changed()
		<-p.C
		require.Equal(t, pulseSpacing, time.Since(begin))
	})
}

// TestPulseIsOneBeatWhereTwoMeet: a change just before the interval is over.
func TestPulseIsOneBeatWhereTwoMeet(t *testing.T) {
	got := beats(t, 31*time.Second, func(p *pulse) {
		time.Sleep(14850 * time.Millisecond)
		p.changed()
	})
	require.Equal(t, []time.Duration{14950 * time.Millisecond, 30 * time.Second}, got)
}

func TestPulseWaitsForNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(time.Second)
		p.start()
		time.Sleep(10 * time.Second)
		p.changed()
		p.stop()
	})
}

func TestPulseStopsUnstarted(*testing.T) { newPulse(time.Second).stop() }
