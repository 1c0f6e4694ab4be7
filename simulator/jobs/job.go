package jobs

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// StepStatus is the status of a step.
type StepStatus string

// The statuses that FaceFusion writes.
const (
	Drafted   StepStatus = "drafted"
	Queued    StepStatus = "queued"
	Started   StepStatus = "started"
	Completed StepStatus = "completed"
	Failed    StepStatus = "failed"
)

// StepArgs are the values of a new job's step that the caller chooses. Empty fields and all others
// keep the values of a recorded step.
type StepArgs struct {
	Source, Target, Output string
	Processors             []string
}

// recordedStep holds the arguments of a step as FaceFusion 3.8.1 wrote them.
//
//go:embed step.json
var recordedStep []byte

func (s StepArgs) args() json.RawMessage {
	args := recordedStep
	if s.Source != "" {
		args = replace(args, "source_paths", []string{s.Source})
	}
	if s.Target != "" {
		args = replace(args, "target_path", s.Target)
	}
	if s.Output != "" {
		args = replace(args, "output_path", s.Output)
	}
	if s.Processors != nil {
		args = replace(args, "processors", s.Processors)
	}
	return args
}

// replace edits the text, because a map would lose the order of FaceFusion's keys.
func replace(args []byte, key string, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a string or a list of strings always marshals
	}
	old := regexp.MustCompile(`(?s)("` + key + `": )(?:"[^"]*"|\[.*?\])`)
	return old.ReplaceAllFunc(args, func(match []byte) []byte {
		return append(old.FindSubmatch(match)[1], text...)
	})
}

// jobDocument is a job file with its keys in FaceFusion's order.
type jobDocument struct {
	Version     string     `json:"version"`
	DateCreated string     `json:"date_created"`
	DateUpdated *string    `json:"date_updated"`
	Steps       []stepJSON `json:"steps"`
}

type stepJSON struct {
	Args   json.RawMessage `json:"args"`
	Status StepStatus      `json:"status"`
}

// date formats the time as Python's datetime.now().astimezone().isoformat() does.
func date() string { return time.Now().Format("2006-01-02T15:04:05.000000-07:00") }

// text formats the job as Python's json.dump(indent=4) does: no newline at the end.
func (j *jobDocument) text() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(j); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func read(path string) (*jobDocument, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	j := new(jobDocument)
	if err := json.Unmarshal(text, j); err != nil {
		return nil, fmt.Errorf("read job file %q: %w", path, err)
	}
	return j, nil
}

// bufferSize is Python's: a long job is written in several pieces, and a reader may see each state.
const bufferSize = 8192

// write does what FaceFusion's write_json does: truncate in place, write, close. No temporary file,
// no sync, no lock.
func (j *jobDocument) write(path string, truncation time.Duration) error {
	text, err := j.text()
	if err != nil {
		return err
	}
	if truncation > 0 {
		truncateAsExt4(path, truncation)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	for len(text) > 0 && err == nil {
		n := min(bufferSize, len(text))
		_, err = file.Write(text[:n])
		text = text[n:]
	}
	return errors.Join(err, file.Close())
}

// truncateAsExt4 shows a file as ext4 does in the middle of a truncation. A file that is not there
// yet is not truncated.
func truncateAsExt4(path string, d time.Duration) {
	info, err := os.Stat(path)
	if err != nil || os.Truncate(path, 0) != nil {
		return
	}
	// it may have been deleted meanwhile, as in FaceFusion
	_ = os.Chtimes(path, info.ModTime(), info.ModTime())
	time.Sleep(d)
}
