package jobfile

import (
	"encoding/json"
	"errors"
	"io"
)

const (
	// MaxSteps is how many steps a job may have. FaceFusion's own take 3 KB each in the file, so
	// that a job of as many is larger than any that is read; one of empty steps is not.
	MaxSteps = 10_000
	// maxValue bounds a step, and whatever else a job may have: FaceFusion's own are of 6 KB, and
	// of some more with many sources.
	maxValue = 1 << 20
)

// Why a job is not read to its end.
var (
	ErrTooManySteps = errors.New("more steps than a job may have")
	ErrLargeStep    = errors.New("a larger step than a job may have")
)

// rawStep is what we read of a step.
type rawStep struct {
	Args   arguments `json:"args"`
	Status string    `json:"status"`
}

// unread is a value that is not read.
type unread struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// parser reads one step after the other: a file of some megabytes may hold a million.
type parser struct {
	keep             Keep
	text             *window
	decoder          *json.Decoder
	created, updated string
	there            bool // there are steps
	document         Document
	traits           traitsTable
	paths            keptPaths
}

// file reads the one object that a file is.
func (p *parser) file() error {
	p.text.open(0)
	if token, err := p.decoder.Token(); err != nil || token != json.Delim('{') {
		return orNotAJob(err)
	}
	for p.more() {
		key, err := p.decoder.Token()
		if err == nil {
			err = p.field(key)
		}
		if err != nil {
			return err //nolint:wrapcheck // Parse does
		}
	}
	if _, err := p.decoder.Token(); err != nil {
		return err //nolint:wrapcheck // Parse does
	}
	if !p.there {
		return ErrNotAJob
	}
	p.text.open(p.decoder.InputOffset())
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return errTextBehind
	}
	return nil
}

var errTextBehind = errors.New("text behind the job")

func orNotAJob(err error) error {
	if err != nil {
		return err
	}
	return ErrNotAJob
}

// more says that the object or the list goes on.
func (p *parser) more() bool {
	p.text.open(p.decoder.InputOffset())
	return p.decoder.More()
}

// decode reads a value. One of another type than expected is left out.
func (p *parser) decode(value any) error {
	p.text.open(p.decoder.InputOffset())
	err := p.decoder.Decode(value)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err //nolint:wrapcheck // Parse does
}

func (p *parser) field(key json.Token) error {
	switch key {
	case "date_created":
		return p.decode(&p.created)
	case "date_updated":
		return p.decode(&p.updated)
	case "steps":
		return p.steps()
	default:
		return p.decode(&unread{})
	}
}

// steps reads the list. What is none is as a value that is not there.
func (p *parser) steps() error {
	p.text.open(p.decoder.InputOffset())
	token, err := p.decoder.Token()
	switch {
	case err != nil:
		return err //nolint:wrapcheck // Parse does
	case token == json.Delim('{'):
		for err == nil && p.more() {
			if _, err = p.decoder.Token(); err == nil {
				err = p.decode(&unread{})
			}
		}
	case token == json.Delim('['):
		p.there = true
		for err == nil && p.more() {
			err = p.step()
		}
	default:
		return nil
	}
	if err == nil {
		_, err = p.decoder.Token()
	}
	return err //nolint:wrapcheck // Parse does
}

func (p *parser) step() error {
	d := &p.document
	if len(d.Steps) == MaxSteps {
		return ErrTooManySteps
	}
	var step rawStep
	if err := p.decode(&step); err != nil {
		return err
	}
	status := statusOf(step.Status)
	p.paths.note(len(d.Steps), status, Paths{Target: step.Args.Target, Output: step.Args.Output})
	d.Steps = append(d.Steps, PlannedStep{Status: status, Traits: p.traits.share(traitsOf(&step.Args))})
	return nil
}

// window bounds how far is read ahead of what was understood.
type window struct {
	from        io.Reader
	read, until int64
}

func (w *window) open(understood int64) { w.until = understood + maxValue }

// Read implements io.Reader.
func (w *window) Read(b []byte) (int, error) {
	left := w.until - w.read
	if left <= 0 {
		return 0, ErrLargeStep
	}
	n, err := w.from.Read(b[:min(int64(len(b)), left)])
	w.read += int64(n)
	return n, err //nolint:wrapcheck // a reader's own
}
