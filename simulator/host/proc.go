package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

// ErrExited says that the process has ended.
var ErrExited = errors.New("process has ended")

// patience is how long a process may take to apply an instruction: far more than a busy machine
// needs to start one.
const patience = 30 * time.Second

// Proc is a process of the host.
type Proc struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when the process was waited for

	set   sync.Mutex // one change at a time
	state fakeproc.Instruction

	mu     sync.Mutex
	last   fakeproc.Report
	number int                  // of the change that Set waits for
	answer chan fakeproc.Report // gets the report on it
}

func newProc(cmd *exec.Cmd) (*Proc, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Proc{cmd: cmd, stdin: stdin, done: make(chan struct{})}
	go p.follow(stdout)
	return p, nil
}

// follow receives reports until the process ends, and then waits for it.
func (p *Proc) follow(stdout io.Reader) {
	defer close(p.done)
	for dec := json.NewDecoder(stdout); ; {
		var report fakeproc.Report
		if dec.Decode(&report) != nil {
			break
		}
		p.mu.Lock()
		p.last = report
		if report.Number == p.number {
			select {
			case p.answer <- report:
			default: // answered before; this one follows a signal
			}
		}
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // how it ended stays in ProcessState
}

// PID returns the process's PID.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Port returns the listening port of a server, 0 while there is none.
func (p *Proc) Port() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Port
}

// Children are the PIDs of its curl and ffmpeg, as of the last change.
func (p *Proc) Children() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Children
}

// Set changes the state of a FaceFusion process, and returns when the process reports it.
func (p *Proc) Set(change func(*fakeproc.Instruction)) error {
	p.set.Lock()
	defer p.set.Unlock()
	change(&p.state)
	p.state.Number++
	text, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	answer := make(chan fakeproc.Report, 1)
	p.mu.Lock()
	p.number, p.answer = p.state.Number, answer
	p.mu.Unlock()
	// A process that was stopped by a signal reads nothing, and answers nothing; one line fits into
	// the pipe.
	if _, err := p.stdin.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("process %d: %w", p.PID(), ErrExited)
	}
	select {
	case report := <-answer:
		if report.Error != "" {
			return fmt.Errorf("process %d: %s", p.PID(), report.Error)
		}
		return nil
	case <-p.done:
		return fmt.Errorf("process %d: %w", p.PID(), ErrExited)
	case <-time.After(patience):
		return fmt.Errorf("process %d does not answer", p.PID())
	}
}

// SetMode changes the fault that a server plays.
func (p *Proc) SetMode(mode gradio.Mode) error {
	return p.Set(func(state *fakeproc.Instruction) { state.Gradio.Mode = mode })
}

// SetQueue sets the number of events that wait in a server's queue.
func (p *Proc) SetQueue(size int) error {
	return p.Set(func(state *fakeproc.Instruction) { state.Gradio.QueueSize = size })
}

// SetFunctions sets the analytics that a server reports of its functions.
func (p *Proc) SetFunctions(functions map[string]gradio.FunctionSummary) error {
	return p.Set(func(state *fakeproc.Instruction) { state.Gradio.Functions = functions })
}

// SetTabs opens tabs in browsers: they poll, and keep a server busy that has nothing to do.
func (p *Proc) SetTabs(n int) error {
	return p.Set(func(state *fakeproc.Instruction) {
		state.Tabs, state.Gradio.Tabs, state.Gradio.Since = n, n, time.Now()
	})
}

// SetDownloading begins or ends the time in which curl fetches models. A server opens its port at
// the end of it.
func (p *Proc) SetDownloading(on bool) error {
	return p.Set(func(state *fakeproc.Instruction) { state.Downloading = on })
}

// SetWorking begins or ends the work on a step.
func (p *Proc) SetWorking(on bool) error {
	return p.Set(func(state *fakeproc.Instruction) { state.Working = on })
}

// Exit lets the process end by itself with a code, and waits for that.
func (p *Proc) Exit(code int) error {
	if err := p.Set(func(state *fakeproc.Instruction) { state.Exit = &code }); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Kill sends a signal to the process alone, and waits for its end if the signal ends it whatever it
// does. A process that has ended is no error.
func (p *Proc) Kill(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if signal == syscall.SIGKILL {
		<-p.done
	}
	return nil
}

// Done returns a channel that is closed when the process has ended.
func (p *Proc) Done() <-chan struct{} { return p.done }

// ProcessState says how the process ended; it is nil while the process lives.
func (p *Proc) ProcessState() *os.ProcessState {
	select {
	case <-p.done:
		return p.cmd.ProcessState
	default:
		return nil
	}
}
