package gpu

import "time"

// defaultPeakWindow is long enough that a scrape interval of a minute misses no burst.
const defaultPeakWindow = time.Minute

// peaks are the highest values of the windows that were closed lately, each with the time when it
// was closed: sorted by time, and decreasing, so that the first is the highest. The driver counts
// in percent, so there are about a hundred at most.
type peaks []peak

type peak struct {
	value float64
	at    time.Time
}

// highest returns the highest value of the running window and of the windows that were closed at
// most length ago. The length counts from the Collect that closed a window, not from the sample, so
// that every value is reported for the whole length, however late the sample came.
func (p *peaks) highest(running float64, now time.Time, length time.Duration) float64 {
	list := *p
	for len(list) > 0 && now.Sub(list[0].at) > length {
		list = list[1:]
	}
	for i := range list {
		if list[i].at.After(now) {
			// The clock was set back: treat the window as closed now.
			list[i].at = now
		}
	}
	*p = list
	if len(list) > 0 {
		return max(running, list[0].value)
	}
	return running
}

// add adds the highest value of a window that is closed now.
func (p *peaks) add(value float64, now time.Time) {
	list := *p
	for len(list) > 0 && list[len(list)-1].value <= value {
		list = list[:len(list)-1]
	}
	*p = append(list, peak{value, now})
}
