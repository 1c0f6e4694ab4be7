package logs

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Stderr is the standard error of one FaceFusion. A nil Stderr discards everything.
type Stderr struct {
	to io.Writer
}

// New returns a Stderr that writes to a file or a buffer. Each line and each record of a bar is one
// write, as in FaceFusion.
func New(to io.Writer) *Stderr { return &Stderr{to: to} }

// Line writes a message of FaceFusion's own.
func (l *Stderr) Line(scope, format string, arguments ...any) error {
	return l.write("[FACEFUSION." + scope + "] " + fmt.Sprintf(format, arguments...) + "\n")
}

// Traceback writes an exception that FaceFusion does not catch, after the error of onnxruntime that
// it comes from, which is glued to the open bar and coloured.
func (l *Stderr) Traceback() error {
	const failure = "Failed to allocate memory for requested buffer of size 268435456"
	if err := l.write("\x1b[1;31m" + time.Now().Format("2006-01-02 15:04:05.000000000") +
		" [E:onnxruntime:, sequential_executor.cc:671 ExecuteKernel] Non-zero status code returned while running Conv node. Status Message: " + failure + "\n\x1b[m\n"); err != nil {
		return err
	}
	for _, line := range []string{
		"\n", "Traceback (most recent call last):\n",
		"  File \"/opt/facefusion/facefusion/jobs/job_runner.py\", line 58, in run_step\n    …\n",
		"  File \"/opt/facefusion/facefusion/processors/modules/face_swapper/core.py\", line 612, in forward_swap_face\n    …\n",
		"onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException: [ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : " + failure + "\n",
	} {
		if err := l.write(line); err != nil {
			return err
		}
	}
	return nil
}

// Bar is one pass of a phase.
type Bar struct {
	log *Stderr
	// Phase is the phase's name in the log, Frames the number of frames.
	phase  string
	frames int
	began  time.Time
	shown  int
	// note is the text at the end of each record.
	note string
}

// Analyse begins the bar of the content filter; declined is the percentage that it shows.
func (l *Stderr) Analyse(frames, declined int) *Bar {
	return l.bar("analysing", frames, fmt.Sprintf("rate=%d", declined))
}

// Process begins the bar of the processors.
func (l *Stderr) Process(frames int) *Bar {
	return l.bar("processing", frames, "execution_providers=['cuda']")
}

func (l *Stderr) bar(phase string, frames int, note string) *Bar {
	return &Bar{log: l, phase: phase, frames: frames, began: time.Now(), shown: -1, note: note}
}

// Show writes a record that this number of frames is done. The same number is written once.
func (b *Bar) Show(done int) error {
	done = min(done, b.frames)
	if done == b.shown {
		return nil
	}
	b.shown = done
	return b.log.write(b.record(done))
}

// End closes the bar at its present state.
func (b *Bar) End() error {
	if err := b.log.write(b.record(max(b.shown, 0))); err != nil {
		return err
	}
	return b.log.write("\n")
}

func (b *Bar) record(done int) string {
	elapsed := time.Since(b.began)
	rate, left := "?frame/s", "?"
	if done > 0 && elapsed > 0 {
		perSecond := float64(done) / elapsed.Seconds()
		left = clock(time.Duration(float64(b.frames-done) / perSecond * float64(time.Second)))
		rate = fmt.Sprintf("%5.2fframe/s", perSecond)
		if perSecond < 1 {
			rate = fmt.Sprintf("%5.2fs/frame", 1/perSecond)
		}
	}
	percent := int(math.Round(100 * float64(done) / float64(max(b.frames, 1))))
	return fmt.Sprintf("\r%s: %3d%%|%-10s| %d/%d [%s<%s, %s, %s]",
		b.phase, percent, strings.Repeat("=", percent/10), done, b.frames, clock(elapsed), left, rate, b.note)
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

func (l *Stderr) write(text string) error {
	if l == nil {
		return nil
	}
	_, err := io.WriteString(l.to, text)
	return err
}
