package logtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Write is one write of FaceFusion, and how long after the one before it came.
type Write struct {
	After time.Duration
	Data  []byte
}

// Writes cuts a recorded stream as FaceFusion wrote it: tqdm writes a carriage return and the bar
// at once, and the newline that closes the bar by itself; everything else writes lines. The clock
// of the bars says when.
func Writes(data []byte) []Write {
	var list []Write
	var clock float64
	for len(data) > 0 {
		end := bytes.IndexAny(data[1:], "\r\n") + 1
		switch {
		case end == 0:
			end = len(data)
		case data[end] == '\n' && data[0] != '\r':
			end++
		}
		w := Write{Data: data[:end]}
		data = data[end:]
		if m := bar.FindSubmatch(w.Data); m != nil {
			now := number(string(m[4]))*60 + number(string(m[5]))
			if now > clock {
				spread(list, time.Duration((now-clock)*float64(time.Second)))
			}
			clock = now
		}
		list = append(list, w)
	}
	return list
}

// spread gives the records of the second that ended their share of it.
func spread(list []Write, d time.Duration) {
	n := 0
	for n < len(list) && n < 1000 && bar.Match(list[len(list)-1-n].Data) && list[len(list)-1-n].After == 0 {
		n++
	}
	if n == 0 {
		n = 1
	}
	for i := max(len(list)-n, 0); i < len(list); i++ {
		list[i].After = d / time.Duration(n)
	}
}

// Play writes a stream at its own pace, or faster.
func Play(to io.Writer, data []byte, speed float64) error {
	begin, due := time.Now(), time.Duration(0)
	for _, w := range Writes(data) {
		due += time.Duration(float64(w.After) / speed)
		if wait := due - time.Since(begin); wait > time.Millisecond {
			time.Sleep(wait)
		}
		if _, err := to.Write(w.Data); err != nil {
			return err
		}
	}
	return nil
}

// Docker writes as Docker's json-file driver does: a document for each line, and for each 16 KiB of
// one that is longer.
type Docker struct {
	To io.Writer
	// line has not ended yet.
	line []byte
}

// dockerPart is the buffer of Docker's copier.
const dockerPart = 16 << 10

func (d *Docker) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n') + 1
		if end == 0 {
			end = len(data)
		}
		end = min(end, dockerPart-len(d.line))
		d.line = append(d.line, data[:end]...)
		data = data[end:]
		if len(d.line) == dockerPart || d.line[len(d.line)-1] == '\n' {
			if err := d.document(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (d *Docker) document() error {
	text, err := json.Marshal(string(d.line))
	if err != nil {
		return err
	}
	d.line = d.line[:0]
	_, err = fmt.Fprintf(d.To, "{\"log\":%s,\"stream\":\"stderr\",\"time\":%q}\n", text, time.Now().UTC().Format(time.RFC3339Nano))
	return err
}

// Close writes what has not ended, as Docker does when the container ends.
func (d *Docker) Close() error {
	if len(d.line) == 0 {
		return nil
	}
	return d.document()
}
