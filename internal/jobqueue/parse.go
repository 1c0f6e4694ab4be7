package jobqueue

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// document is what a job file says.
type document struct {
	// created and updated are zero where the file does not say.
	created, updated time.Time
	steps            []plannedStep
}

type plannedStep struct {
	status status
	traits Traits
	// target and output never leave the package, unless Settings.KeepPaths.
	target, output string
}

// status is what the file says of a step.
type status uint8

const (
	statusOther status = iota // one that no known version writes
	statusDrafted
	statusQueued
	statusStarted
	statusCompleted
	statusFailed
)

func statusOf(text string) status {
	switch text {
	case "drafted":
		return statusDrafted
	case "queued":
		return statusQueued
	case "started":
		return statusStarted
	case "completed":
		return statusCompleted
	case "failed":
		return statusFailed
	default:
		return statusOther
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

var errNotAJob = errors.New("no steps: not a job")

// parse understands a job file of FaceFusion 3.0 to 3.8, whose schema has been the same. A value of another type than expected is as one that is not there.
func parse(text []byte) (document, error) {
	var file struct {
		Created string `json:"date_created"`
		Updated string `json:"date_updated"`
		Steps   []struct {
			Args   arguments `json:"args"`
			Status string    `json:"status"`
		} `json:"steps"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		var unexpected *json.UnmarshalTypeError
		if !errors.As(err, &unexpected) {
			return document{}, fmt.Errorf("parse job: %w", err)
		}
	}
	if file.Steps == nil { // a list without elements is not nil
		return document{}, errNotAJob
	}
	d := document{created: date(file.Created), updated: date(file.Updated), steps: make([]plannedStep, len(file.Steps))}
	for i := range file.Steps {
		s := &file.Steps[i]
		d.steps[i] = plannedStep{status: statusOf(s.Status), traits: traitsOf(&s.Args), target: s.Args.Target, output: s.Args.Output}
	}
	return d, nil
}

// date reads what Python's datetime.isoformat writes: microseconds, which it leaves out when they are zero, and an offset.
func date(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
