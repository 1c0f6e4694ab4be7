package jobqueue

import (
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobfile"
)

// SilentStep is a step of which FaceFusion's log said that it began, and nothing else before the
// next step or job began; Ended is when one did, zero for never.
type SilentStep struct{ Begun, Ended time.Time }

// silentImage is an image of which the log may have said no more than that its step began: it
// failed, or is under way, which a zero ended says.
type silentImage struct{ started, ended time.Time }

const (
	// silentFor is for how long an image that failed may still be the one that a silent step was.
	silentFor = 2 * time.Minute
	// maxFailedImages bounds those: as many as a log has silent steps.
	maxFailedImages = 100
)

// fits says that the step may be the image's.
func (q *SilentStep) fits(s silentImage) bool {
	switch {
	case q.Begun.Before(s.started.Add(-logEarly)):
		return false
	case s.ended.IsZero():
		return q.Ended.IsZero()
	default:
		return !q.Begun.After(s.ended.Add(logLate)) && (q.Ended.IsZero() || !q.Ended.Before(s.ended.Add(-logEarly)))
	}
}

// refusedInSilence says that the content filter refused an image. FaceFusion writes no line about
// it and an image has no bar; but any other way in which an image fails has a line. That line may
// be in a log that nobody reads, while another image was refused in the same seconds: where there
// are fewer silent steps than images, none of them says whose it is.
func (f *jobsFolder) refusedInSilence(j *job, l *folderEvidence) bool {
	image, ok := j.silentImage()
	if !ok || slices.ContainsFunc(l.log, func(line LogLine) bool { return line.mayBeOf(j) }) {
		return false
	}
	steps, images := contenders(image, l.quiet, f.silentImages(j, l))
	return steps > 0 && steps >= images
}

// contenders counts the silent steps that may be an image's, and the images that may have one of
// these, and so on: each of them may be another's.
func contenders(image silentImage, quiet []SilentStep, others []silentImage) (steps, images int) {
	quiet = slices.Clone(quiet)
	for open := []silentImage{image}; len(open) > 0; open = open[1:] {
		images++
		quiet = slices.DeleteFunc(quiet, func(q SilentStep) bool {
			if !q.fits(open[0]) {
				return false
			}
			steps++
			others = slices.DeleteFunc(others, func(o silentImage) bool {
				if q.fits(o) {
					open = append(open, o)
					return true
				}
				return false
			})
			return true
		})
	}
	return steps, images
}

// silentImage is the image that a job failed with, or that it works on. ok says that there is one.
func (j *job) silentImage() (image silentImage, ok bool) {
	if j.attempt == nil {
		return image, false
	}
	if step, started := j.attempt.failedStep(); step != nil {
		return silentImage{started.V, j.failedEnd}, step.Media == jobfile.MediaImage && started.Known && j.settling()
	}
	current := j.attempt.current()
	if current < 0 {
		return image, false
	}
	step := &j.attempt.run.Steps[current]
	return silentImage{started: step.Started.V}, step.Media == jobfile.MediaImage && step.Started.Known
}

// names says that the log has a line about a job's last run that names the job.
func (l *folderEvidence) names(j *job) bool {
	run := &j.attempt.run
	return slices.ContainsFunc(l.log, func(line LogLine) bool {
		return line.Job == run.Job && (!run.Started.Known || !line.Time.Before(run.Started.V.Add(-logEarly)))
	})
}

// silentImages are those of other jobs of which no line tells more, lately ended ones included.
func (f *jobsFolder) silentImages(but *job, l *folderEvidence) []silentImage {
	list := slices.Clone(f.failedImages)
	for j := range f.suspects {
		image, ok := j.silentImage()
		if ok && j != but && !l.names(j) {
			list = append(list, image)
		}
	}
	return list
}

// keepFailedImage remembers the image that a job failed with, as long as a silent step may be its.
func (f *jobsFolder) keepFailedImage(p *pass, j *job, l *folderEvidence) {
	f.failedImages = slices.DeleteFunc(f.failedImages, func(s silentImage) bool { return p.now.Sub(s.ended) > silentFor })
	image, ok := j.silentImage()
	if ok && l.logRead && !l.names(j) {
		f.failedImages = append(f.failedImages[max(0, len(f.failedImages)-maxFailedImages+1):], image)
	}
}
