package jobfile

import (
	"bytes"
	"encoding/json"
	"errors"
)

// MaxSteps is how many steps a job may have. FaceFusion's own take 3 KB each in the file, so that a
// job of as many is larger than any that is read; one of empty steps is not.
const MaxSteps = 10_000

// ErrTooManySteps says that a job has more steps than MaxSteps.
var ErrTooManySteps = errors.New("more steps than a job may have")

// rawStep is what we read of a step.
type rawStep struct {
	Args   arguments `json:"args"`
	Status string    `json:"status"`
}

// stepList reads one step after the other, and no more than MaxSteps of them: a file of a few
// megabytes may hold a million. What is not a list of steps is as a value that is not there.
type stepList struct {
	steps   []rawStep
	there   bool
	tooMany bool
}

// UnmarshalJSON implements json.Unmarshaler. The text is valid JSON.
func (l *stepList) UnmarshalJSON(text []byte) error {
	if text[0] != '[' {
		return nil
	}
	l.there = true
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err //nolint:wrapcheck // of our own reader
	}
	for decoder.More() {
		if len(l.steps) == MaxSteps {
			l.tooMany = true
			return nil
		}
		var step rawStep
		if err := decoder.Decode(&step); err != nil {
			var unexpected *json.UnmarshalTypeError
			if !errors.As(err, &unexpected) {
				return err //nolint:wrapcheck // of our own reader
			}
		}
		l.steps = append(l.steps, step)
	}
	return nil
}
