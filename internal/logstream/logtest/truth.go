package logtest

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// Truth is what the bars and lines of a stream say.
type Truth struct {
	// Frames and Seconds are sums of all bars of a phase, by its name in lower case.
	Frames  map[string]int64
	Seconds map[string]float64
	// Messages are lines of FaceFusion's own, Tracebacks those of Python.
	Messages, Tracebacks int
}

var (
	bar     = regexp.MustCompile(`([A-Za-z]+): +[0-9]{1,3}%\|[ =]*\| *([0-9]+)/([0-9]+) \[([0-9]+):([0-9]+)<[0-9:?]+, +([0-9.?]+)(frame/s|s/frame)[^\r\n]*`)
	message = regexp.MustCompile(`\[FACEFUSION\.[A-Z0-9_.]+\] `)
)

// Read finds the truth of a stream that one FaceFusion wrote.
func Read(data []byte) Truth {
	t := Truth{Frames: map[string]int64{}, Seconds: map[string]float64{}}
	t.Messages = len(message.FindAll(data, -1))
	t.Tracebacks = bytes.Count(data, []byte("Traceback (most recent call last):"))
	var phase string
	var n, total, clock, seconds float64
	for _, m := range bar.FindAllStringSubmatch(string(data), -1) {
		name, count, of := strings.ToLower(m[1]), number(m[2]), number(m[3])
		now := number(m[4])*60 + number(m[5])
		if name != phase || count < n || of != total || now < clock {
			t.add(phase, n, seconds)
		}
		phase, n, total, clock, seconds = name, count, of, now, now
		// The last record of a bar shows the rate of all of it: better than whole seconds.
		rate, err := strconv.ParseFloat(m[6], 64)
		if m[7] == "s/frame" {
			rate = 1 / rate
		}
		if whole := n / rate; err == nil && whole >= now-0.05 && whole <= now+1.05 {
			seconds = whole
		}
	}
	t.add(phase, n, seconds)
	return t
}

func (t *Truth) add(phase string, frames, seconds float64) {
	if phase != "" {
		t.Frames[phase] += int64(frames)
		t.Seconds[phase] += seconds
	}
}

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64) // the pattern has digits only
	return n
}

// BarLine is a record of a bar.
type BarLine struct {
	// Phase is its name in lower case.
	Phase         string
	Frames, Total int64
	// Alone says that nothing else follows it in the same write.
	Alone bool
}

// ReadBar finds the record of a bar that a write is.
func ReadBar(data []byte) (BarLine, bool) {
	m := bar.FindSubmatch(data)
	if m == nil {
		return BarLine{}, false
	}
	return BarLine{Phase: strings.ToLower(string(m[1])), Frames: int64(number(string(m[2]))), Total: int64(number(string(m[3]))),
		Alone: bytes.HasSuffix(bytes.TrimSpace(data), []byte("]"))}, true
}
