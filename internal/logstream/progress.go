package logstream

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// barRecord is one record of a tqdm bar, such as
//
//	processing:  45%|====      | 56/125 [00:00<00:00, 91.86frame/s, execution_providers=['cuda']]
//	streaming: 12frame [00:01, 10.2frame/s]
type barRecord struct {
	phase Phase
	// n of total have been done; total is 0 where the bar has none.
	n, total int64
	// elapsed is in whole seconds.
	elapsed time.Duration
	// rate is in frames, or bytes, for each second; 0 while the bar does not know.
	rate float64
	// content is the percentage of declined frames that an analysing bar shows; negative without
	// one.
	content float64
	// file is what a downloading bar loads.
	file string
}

// descriptionLimit is more than the longest word before a bar.
const descriptionLimit = 24

// parseProgress reads the bar at the start of a record. rest is what is glued to its end. A record
// that has not ended yet must show the bracket that closes it; one that has ended may have been cut
// by a terminal's width.
func parseProgress(record []byte, ended bool) (p barRecord, rest []byte, ok bool) {
	colon := bytes.IndexByte(record[:min(len(record), descriptionLimit)], ':')
	if colon <= 0 {
		return p, nil, false
	}
	counts, bracket, found := bytes.Cut(record[colon+1:], []byte(" ["))
	if !found || !p.parseCounts(bytes.TrimLeft(counts, " ")) {
		return p, nil, false
	}
	p.phase = phaseOf(record[:colon])
	end := closing(bracket)
	if end < 0 {
		if !ended {
			return p, nil, false
		}
		p.parseTimes(bracket)
		return p, nil, true
	}
	return p, bytes.TrimLeft(bracket[end+1:], " "), p.parseTimes(bracket[:end])
}

// startsBar says that a record which has not ended may become one of a bar.
func startsBar(record []byte) bool {
	for i, b := range record {
		switch {
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
		case b == ':' && i > 0:
			return len(record) <= i+1 || record[i+1] == ' '
		default:
			return false
		}
		if i > descriptionLimit {
			return false
		}
	}
	return len(record) > 0
}

// parseCounts reads "45%|====      | 56/125" or "12frame".
func (p *barRecord) parseCounts(text []byte) bool {
	if n, found := bytes.CutSuffix(text, []byte("frame")); found {
		var ok bool
		p.n, ok = parseCount(n)
		return ok
	}
	percent, bar, found := bytes.Cut(text, []byte("%|"))
	if !found || len(percent) == 0 || len(percent) > 3 {
		return false
	}
	last := bytes.LastIndexByte(bar, '|')
	if last < 0 {
		return false
	}
	n, total, found := bytes.Cut(bytes.TrimLeft(bar[last+1:], " "), []byte("/"))
	if !found {
		return false
	}
	var okN, okTotal bool
	p.n, okN = parseCount(n)
	p.total, okTotal = parseCount(total)
	return okN && okTotal
}

// parseTimes reads "00:00<00:00, 91.86frame/s, execution_providers=['cuda']".
func (p *barRecord) parseTimes(text []byte) bool {
	times, tail, _ := bytes.Cut(text, []byte(", "))
	elapsed, _, _ := bytes.Cut(times, []byte("<"))
	var ok bool
	if p.elapsed, ok = parseClock(elapsed); !ok {
		return false
	}
	rate, postfix, _ := bytes.Cut(tail, []byte(", "))
	p.rate = parseRate(bytes.TrimLeft(rate, " "))
	p.content = -1
	if len(postfix) > 0 {
		p.parsePostfix(postfix)
	}
	return true
}

func (p *barRecord) parsePostfix(text []byte) {
	switch p.phase {
	case PhaseAnalysing:
		if value, found := bytes.CutPrefix(text, []byte("rate=")); found {
			value, _, _ = bytes.Cut(value, []byte(","))
			if rate, err := strconv.ParseFloat(string(value), 64); err == nil {
				p.content = rate
			}
		}
	case PhaseDownloading:
		if _, file, found := bytes.Cut(text, []byte("file_name=")); found {
			p.file = string(file)
		}
	}
}

// closing finds the bracket that closes the one before text, -1 without one. Lists and quotes may
// be in between.
func closing(text []byte) int {
	depth, quoted := 1, false
	for i, b := range text {
		switch {
		case b == '\'':
			quoted = !quoted
		case quoted:
		case b == '[':
			depth++
		case b == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// parseClock reads mm:ss or h:mm:ss.
func parseClock(text []byte) (time.Duration, bool) {
	seconds, parts := int64(0), 0
	for len(text) > 0 {
		field, tail, _ := bytes.Cut(text, []byte(":"))
		n, ok := parseCount(field)
		if !ok || n >= 1e6 {
			return 0, false
		}
		seconds, text, parts = seconds*60+n, tail, parts+1
	}
	return time.Duration(seconds) * time.Second, parts == 2 || parts == 3
}

// parseRate reads "91.86frame/s", "1.25s/frame" or "39.0kB/s".
func parseRate(text []byte) float64 {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.') {
		end++
	}
	rate, err := strconv.ParseFloat(string(text[:end]), 64)
	if err != nil || rate == 0 {
		return 0
	}
	unit := string(text[end:])
	if strings.HasPrefix(unit, "s/") {
		return 1 / rate
	}
	if len(unit) > 0 {
		if scale, ok := scales[unit[0]]; ok {
			rate *= float64(scale)
		}
	}
	return rate
}

// scales are tqdm's for bytes; frames have none.
var scales = map[byte]int64{'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}

// parseCount reads a number of frames, or of bytes with a scale.
func parseCount(text []byte) (n int64, ok bool) {
	for i, b := range text {
		switch {
		case b >= '0' && b <= '9' && n < 1e15:
			n = n*10 + int64(b-'0')
		case i > 0 && (b == '.' || scales[b] != 0):
			return parseScaled(text)
		default:
			return 0, false
		}
	}
	return n, len(text) > 0
}

func parseScaled(text []byte) (int64, bool) {
	scale := scales[text[len(text)-1]]
	if scale == 0 {
		scale = 1
	} else {
		text = text[:len(text)-1]
	}
	n, err := strconv.ParseFloat(string(text), 64)
	return int64(n * float64(scale)), err == nil && n >= 0 && n < 1e6
}
