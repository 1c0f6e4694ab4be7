package logstream

import (
	"regexp"
	"strconv"
	"strings"
)

// EventName is what a record says, by a name that is the same for all versions of FaceFusion. Of a
// record that nobody knows it is empty.
type EventName string

// The events that others ask for.
const (
	EventJobStarted    EventName = "job_started"
	EventJobRetried    EventName = "job_retried"
	EventStepStarted   EventName = "step_started"
	EventStepSucceeded EventName = "output_succeeded"
	EventStepFailed    EventName = "output_failed"
	EventJobSucceeded  EventName = "job_succeeded"
	EventJobFailed     EventName = "job_failed"
	EventStopped       EventName = "stopped"
	EventModelLoaded   EventName = "model_loaded"
	EventModelFailed   EventName = "model_load_failed"
	EventPhase         EventName = "phase"
	EventDeclined      EventName = "content_declined"
	EventException     EventName = "exception"
	EventRejected      EventName = "request_rejected"
	EventBinary        EventName = "binary"
)

// wording is one message of FaceFusion, in all versions from 2.0 to 3.8: capitals went with 3.5,
// "succeed" became "succeeded" with 3.4, and the text came to end with an exclamation mark where a
// user is addressed.
type wording struct {
	event    EventName
	severity Severity
	cause    Cause
	// start is how the message begins, in lower case: it saves most of the matching.
	start   string
	pattern *regexp.Regexp
	// names say what the groups are.
	names []string
}

// The groups.
const (
	groupJob     = "job"
	groupStep    = "step"
	groupSteps   = "steps"
	groupMedia   = "media"
	groupSeconds = "seconds"
	groupModel   = "model"
	groupSize    = "resolution"
)

func message(event EventName, severity Severity, cause Cause, start, rest string, names ...string) wording {
	return wording{event, severity, cause, start, regexp.MustCompile(`(?i)^` + start + rest + `[!.]?$`), names}
}

var wordings = []wording{
	message(EventJobStarted, SeverityInfo, "", "running queued job ", `(\S+?)`, groupJob),
	message("jobs_started", SeverityInfo, "", "running all queued jobs", ``),
	message(EventJobRetried, SeverityInfo, "", "retrying failed job ", `(\S+?)`, groupJob),
	message("jobs_retried", SeverityInfo, "", "retrying all failed jobs", ``),
	message(EventStepStarted, SeverityInfo, "", "processing step ", `([0-9]+) of ([0-9]+)`, groupStep, groupSteps),
	message(EventStepSucceeded, SeverityInfo, "", "processing to ", `(image|video) succeed(?:ed)?(?: in ([0-9.]+) seconds)?`, groupMedia, groupSeconds),
	message(EventStepFailed, SeverityError, CauseOutput, "processing to ", `(image|video) failed`, groupMedia),
	message("jobs_succeeded", SeverityInfo, "", "processing of all job", `s? succeed(?:ed)?`),
	message("jobs_failed", SeverityError, "", "processing of all jobs failed", ``),
	message(EventJobSucceeded, SeverityInfo, "", "processing of job ", `(\S+) succeed(?:ed)?`, groupJob),
	message(EventJobFailed, SeverityError, "", "processing of job ", `(\S+) failed`, groupJob),
	message(EventStopped, SeverityWarn, CauseStopped, "processing stopped", ``),
	message("processor_started", SeverityInfo, "", "processing", ``),
	message("extracting_started", SeverityInfo, "", "extracting frames with ", `(?:a resolution of ([0-9]+x[0-9]+) and )?[0-9.]+ (?:frames per second|FPS)`, groupSize),
	message("extracting_succeeded", SeverityDebug, "", "extracting frames succeed", `(?:ed)?`),
	message("extracting_failed", SeverityError, CauseFrames, "extracting frames failed", ``),
	message("no_frames", SeverityError, CauseFrames, "temporary frames not found", ``),
	message("merging_started", SeverityInfo, "", "merging video with ", `(?:a resolution of ([0-9]+x[0-9]+) and )?[0-9.]+ (?:frames per second|FPS)`, groupSize),
	message("merging_succeeded", SeverityDebug, "", "merging video succeed", `(?:ed)?`),
	message("merging_failed", SeverityError, CauseMerge, "merging video failed", ``),
	message("image_started", SeverityInfo, "", "copying image with ", `a resolution of ([0-9]+x[0-9]+)`, groupSize),
	message("image_copied", SeverityDebug, "", "copying image succeed", `(?:ed)?`),
	message("image_failed", SeverityError, CauseOutput, "copying image failed", ``),
	message("image_finalizing", SeverityInfo, "", "finalizing image with ", `a resolution of ([0-9]+x[0-9]+)`, groupSize),
	message("image_finalized", SeverityDebug, "", "finalizing image succeed", `(?:ed)?`),
	message("image_not_finalized", SeverityWarn, "", "finalizing image skipped", ``),
	message("image_compressing", SeverityInfo, "", "compressing image", ``),
	message("image_compressed", SeverityDebug, "", "compressing image succeed", ``),
	message("image_not_compressed", SeverityWarn, "", "compressing image ", `(?:failed|skipped)`),
	message("audio_skipped", SeverityInfo, "", "skipping audio", ``),
	message("audio_restoring", SeverityInfo, "", "restoring audio", ``),
	message("audio_restored", SeverityDebug, "", "restoring audio succeed", `(?:ed)?`),
	message("audio_lost", SeverityWarn, "", "restoring audio ", `(?:failed|skipped)`),
	message("audio_replaced", SeverityDebug, "", "replacing audio succeed", `(?:ed)?`),
	message("audio_lost", SeverityWarn, "", "replacing audio skipped", ``),
	message("temp_created", SeverityDebug, "", "creating temporary resources", ``),
	message("temp_cleared", SeverityDebug, "", "clearing temporary resources", ``),
	message("no_source_face", SeverityError, CauseNoFace, "no source face detected", ``),
	message("input_rejected", SeverityError, CauseInput, "choose a", `n? (?:image|audio|video|image or video) for the (?:source|target)`),
	message("input_rejected", SeverityError, CauseInput, "select a", `n? (?:image|audio|video|image or video) for (?:source|target) path`),
	message("input_rejected", SeverityError, CauseInput, "select a", `n? file or directory for output path`),
	message("input_rejected", SeverityError, CauseInput, "specify the output image or video within a directory", ``),
	message("input_rejected", SeverityError, CauseInput, "match the target and output extension", ``),
	message(EventModelLoaded, SeverityDebug, "", "loading model ", `(\S+) succeeded in ([0-9.]+) seconds`, groupModel, groupSeconds),
	message(EventModelFailed, SeverityFatal, CauseModelLoad, "loading model ", `(\S+) failed`, groupModel),
	message("model_valid", SeverityDebug, "", "validating ", `(?:hash|source) for (\S+) succeed(?:ed)?`, groupModel),
	message("model_invalid", SeverityError, CauseModelInvalid, "validating ", `(?:hash|source) for (\S+) failed`, groupModel),
	message("model_deleted", SeverityError, CauseModelInvalid, "deleting corrupt source for ", `(\S+)`, groupModel),
	message("model_missing", SeverityError, CauseModelInvalid, "download of the model is not done", ``),
	message("model_missing", SeverityError, CauseModelInvalid, "file of the model is not present", ``),
	message("dependency_missing", SeverityFatal, CauseDependency, "", `(?:curl|ffmpeg|ffprobe|[a-z0-9_-]+) is not installed`),
	message("dependency_missing", SeverityFatal, CauseDependency, "python version is not supported", `, upgrade to [0-9.]+ or higher`),
	message("conda_inactive", SeverityWarn, "", "conda is not activated", ``),
	message("processor_invalid", SeverityFatal, CauseDependency, "", `(?:frame )?processor \S+ (?:could not be loaded|not implemented correctly)`),
	message("layout_invalid", SeverityFatal, CauseDependency, "ui layout ", `\S+ (?:could not be loaded|not implemented correctly)`),
	message("stream_failed", SeverityError, "", "stream ", `(?:\S+ could not be loaded|not supported)`),
	message("job_created", SeverityInfo, "", "job ", `(\S+) created`, groupJob),
	message("job_not_created", SeverityError, "", "job ", `(\S+) not created`, groupJob),
	message("job_submitted", SeverityInfo, "", "job ", `(\S+) submitted`, groupJob),
	message("job_not_submitted", SeverityError, "", "job ", `(\S+) not submitted`, groupJob),
	message("job_deleted", SeverityInfo, "", "job ", `(\S+) deleted`, groupJob),
	message("job_not_deleted", SeverityError, "", "job ", `(\S+) not deleted`, groupJob),
	message("jobs_submitted", SeverityInfo, "", "jobs submitted", ``),
	message("jobs_not_submitted", SeverityError, "", "jobs not submitted", ``),
	message("jobs_deleted", SeverityInfo, "", "jobs deleted", ``),
	message("jobs_not_deleted", SeverityError, "", "jobs not deleted", ``),
	message("step_added", SeverityInfo, "", "step added to job ", `(\S+)`, groupJob),
	message("step_not_added", SeverityError, "", "step not added to job ", `(\S+)`, groupJob),
	message("step_changed", SeverityInfo, "", "step ", `[0-9]+ (?:remixed from|inserted to|removed from) job (\S+)`, groupJob),
	message("step_not_changed", SeverityError, "", "step ", `[0-9]+ not (?:remixed from|inserted to|removed from) job (\S+)`, groupJob),
}

// Fields are the values in a message. What it does not contain is empty.
type Fields struct {
	// Job is the id, which is text of a user. FaceFusion 3.5.2 and later write None at the end of a
	// job.
	Job string
	// Step of Steps begins, from 1.
	Step, Steps int
	// Media is image or video.
	Media string
	// Seconds are a duration.
	Seconds float64
	// Model is the name of a model or of its file, Resolution the size of the output.
	Model, Resolution string
	// Exception is the type of a Python exception.
	Exception string
}

// understand looks the message up.
func understand(text string, fields *Fields) *wording {
	lower := strings.ToLower(text)
	for i := range wordings {
		w := &wordings[i]
		if !strings.HasPrefix(lower, w.start) {
			continue
		}
		if groups := w.pattern.FindStringSubmatch(text); groups != nil {
			for j, name := range w.names {
				fields.set(name, groups[j+1])
			}
			return w
		}
	}
	return nil
}

func (f *Fields) set(name, value string) {
	switch name {
	case groupJob:
		if value != "None" {
			f.Job = value
		}
	case groupStep:
		f.Step, _ = strconv.Atoi(value)
	case groupSteps:
		f.Steps, _ = strconv.Atoi(value)
	case groupMedia:
		f.Media = strings.ToLower(value)
	case groupSeconds:
		f.Seconds, _ = strconv.ParseFloat(value, 64)
	case groupModel:
		f.Model = value
	case groupSize:
		f.Resolution = value
	}
}
