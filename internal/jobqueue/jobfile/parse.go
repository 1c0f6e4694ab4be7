package jobfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Document is what a job file says.
type Document struct {
	// Created and updated are zero where the file does not say.
	Created, Updated time.Time
	Steps            []PlannedStep
	paths            map[int]Paths
	// Text is how many bytes of text are kept, all steps together.
	Text int
}

// PlannedStep is what the file says of one step.
type PlannedStep struct {
	Status Status
	Traits Traits
}

// Status is what the file says of a step.
type Status uint8

// The statuses: FaceFusion's own words, and StatusOther for one that no known version writes.
const (
	StatusOther Status = iota
	StatusDrafted
	StatusQueued
	StatusStarted
	StatusCompleted
	StatusFailed
)

// Ended says that a step with the status is over.
func (s Status) Ended() bool { return s == StatusCompleted || s == StatusFailed }

func statusOf(text string) Status {
	switch text {
	case "drafted":
		return StatusDrafted
	case "queued":
		return StatusQueued
	case "started":
		return StatusStarted
	case "completed":
		return StatusCompleted
	case "failed":
		return StatusFailed
	default:
		return StatusOther
	}
}

// arguments are those that we read of the 66 (FaceFusion 3.0) to 85 (3.8) arguments of a step.
type arguments struct {
	Target             string   `json:"target_path"`
	Output             string   `json:"output_path"`
	Encoder            string   `json:"output_video_encoder"`
	Processors         []string `json:"processors"`
	AgeModifier        string   `json:"age_modifier_model"`
	BackgroundRemover  string   `json:"background_remover_model"`
	ExpressionRestorer string   `json:"expression_restorer_model"`
	FaceEditor         string   `json:"face_editor_model"`
	FaceEnhancer       string   `json:"face_enhancer_model"`
	FaceSwapper        string   `json:"face_swapper_model"`
	FrameColorizer     string   `json:"frame_colorizer_model"`
	FrameEnhancer      string   `json:"frame_enhancer_model"`
	LipSyncer          string   `json:"lip_syncer_model"`
}

// ErrNotAJob says that a text is JSON, and no job.
var ErrNotAJob = errors.New("no steps: not a job")

// Parse understands a job file of FaceFusion 3.0 to 3.8, whose schema has been the same. A value of
// another type than expected is as one that is not there. It holds one step at a time of the text,
// which may be large and come from a share that stops in the middle of it.
func Parse(text io.Reader, keep Keep) (Document, error) {
	p := parser{keep: keep, text: &window{from: text}, paths: keptPaths{keep: keep}}
	p.decoder = json.NewDecoder(p.text)
	if err := p.file(); err != nil {
		return Document{}, reasonOf(err)
	}
	p.document.Created, p.document.Updated = date(p.created), date(p.updated)
	p.document.paths = p.paths.kept(len(p.document.Steps))
	p.document.Text = p.traits.size + p.paths.size()
	return p.document, nil
}

// reasonOf says why a text is no job.
func reasonOf(err error) error {
	switch {
	case errors.Is(err, ErrNotAJob), errors.Is(err, ErrTooManySteps), errors.Is(err, ErrLargeStep):
		return err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("parse job: %w", err)
}

// date reads what Python's datetime.isoformat writes: microseconds, which it leaves out when they
// are zero, and an offset.
func date(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
