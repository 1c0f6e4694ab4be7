package gpu

import "time"

// defaultPeakWindow is long enough that a page that is read every minute shows every burst.
const defaultPeakWindow = time.Minute

// peaks are the highest values of the windows that were closed lately, each with the time when it
// was closed: the newest last, none lower than those after it, so that the first is the highest of
// all. The driver counts in percent, so that there are about a hundred at most.
type peaks []peak

type peak struct {
	value float64
	at    time.Time
}

// highest is the highest value of the running window and of those that were closed no longer than
// length ago. The length counts from the Collect that closed a window, not from the sample: whoever
// reads what Collect returned sees each value for the whole length, however late the sample came.
func (p *peaks) highest(running float64, now time.Time, length time.Duration) float64 {
	list := *p
	for len(list) > 0 && now.Sub(list[0].at) > length {
		list = list[1:]
	}
	for i := range list {
		if list[i].at.After(now) {
			// The clock was set back. It is as if the window had been closed now.
			list[i].at = now
		}
	}
	*p = list
	if len(list) > 0 {
		return max(running, list[0].value)
	}
	return running
}

// add notes the highest value of a window that is closed now.
func (p *peaks) add(value float64, now time.Time) {
	list := *p
	for len(list) > 0 && list[len(list)-1].value <= value {
		list = list[:len(list)-1]
	}
	*p = append(list, peak{value, now})
}
