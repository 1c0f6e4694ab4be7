package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/logs"
)

// Settings of a host.
type Settings struct {
	// Dir holds all files. It is created if missing, and kept when the host is closed.
	Dir string
	// Instances is the number of FaceFusion installations.
	Instances int
	// Version of FaceFusion; 3.8.1 if empty.
	Version string
	// FirstPort is the port that servers try first; 7860 if zero.
	FirstPort uint16
	// Program is copied for the processes; the running program if empty.
	Program string
}

// Machine is the simulated machine.
type Machine struct {
	settings Settings
	jobs     []*jobs.Manager
	stderr   []*os.File

	mu     sync.Mutex
	procs  []*Proc
	appID  uint64
	closed bool
}

// New lays out the installations. Nothing runs yet.
func New(settings Settings) (*Machine, error) {
	if settings.Version == "" {
		settings.Version = "3.8.1"
	}
	if settings.FirstPort == 0 {
		settings.FirstPort = 7860
	}
	if settings.Program == "" {
		settings.Program = fakeproc.Self
	}
	dir, err := filepath.Abs(settings.Dir)
	if err != nil {
		return nil, err
	}
	settings.Dir = dir
	h := &Machine{settings: settings}
	if err := os.MkdirAll(h.temp(), 0o755); err != nil {
		return nil, err
	}
	for i := range settings.Instances {
		if err := writeCheckout(h.Checkout(i), settings.Version); err != nil {
			return nil, fmt.Errorf("write checkout %d: %w", i, err)
		}
		folder, err := jobs.Open(filepath.Join(h.Checkout(i), ".jobs"))
		if err != nil {
			return nil, fmt.Errorf("open jobs folder %d: %w", i, err)
		}
		h.jobs = append(h.jobs, folder)
		if err := h.openStderr(i); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// Logs is a pattern of the files that hold the standard error of all instances.
func (h *Machine) Logs() string { return filepath.Join(h.settings.Dir, "log", "*.log") }

// openStderr creates the file that is the standard error of the processes of an instance.
func (h *Machine) openStderr(instance int) error {
	dir := filepath.Dir(h.Logs())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("facefusion-%d.log", instance)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	h.stderr = append(h.stderr, file)
	return err
}

// Stderr is the standard error of the processes of an instance. They write nothing themselves: a
// test or a player does.
func (h *Machine) Stderr(instance int) *logs.Stderr { return logs.New(h.stderr[instance]) }

// Checkout is the folder of an instance, and the working directory of its processes.
func (h *Machine) Checkout(instance int) string {
	return filepath.Join(h.settings.Dir, "facefusion-"+strconv.Itoa(instance))
}

// Jobs is the jobs folder of an instance.
func (h *Machine) Jobs(instance int) *jobs.Manager { return h.jobs[instance] }

// temp is where FaceFusion keeps its temporary files.
func (h *Machine) temp() string { return filepath.Join(h.settings.Dir, "temp") }

// StartServer starts "python facefusion.py run …". Unless a change makes it download first, it
// returns when the port is open.
func (h *Machine) StartServer(instance int, change func(*fakeproc.Instruction), args ...string) (*Proc, error) {
	return h.startFaceFusion(instance, change, append([]string{"run"}, args...))
}

// StartRunner starts "python facefusion.py …" with a command like job-run-all or headless-run, and
// its arguments. It runs until Exit or Kill is called.
func (h *Machine) StartRunner(instance int, args ...string) (*Proc, error) {
	return h.startFaceFusion(instance, nil, args)
}

func (h *Machine) startFaceFusion(instance int, change func(*fakeproc.Instruction), args []string) (*Proc, error) {
	p, err := h.start(h.Checkout(instance), h.stderr[instance], append([]string{"python", "facefusion.py"}, args...))
	if err != nil {
		return nil, err
	}
	err = p.Set(func(state *fakeproc.Instruction) {
		state.Gradio = gradio.Behavior{Mode: gradio.Normal, AppID: h.nextAppID()}
		if change != nil {
			change(state)
		}
	})
	if err != nil {
		return nil, errors.Join(err, p.Kill(syscall.SIGKILL))
	}
	return p, nil
}

// StartDecoy starts a process that does nothing and is not FaceFusion, although its command line,
// split at spaces, may name it: "vim facefusion.py".
func (h *Machine) StartDecoy(commandLine string) (*Proc, error) {
	return h.start(h.settings.Dir, os.Stderr, strings.Fields(commandLine))
}

func (h *Machine) start(dir string, stderr *os.File, args []string) (*Proc, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("host is closed")
	}
	cmd := fakeproc.Command(h.settings.Program, args...)
	cmd.Dir = dir
	cmd.Stderr = stderr
	cmd.Env = append(cmd.Env, "GRADIO_SERVER_PORT="+strconv.Itoa(int(h.settings.FirstPort)), "TMPDIR="+h.temp())
	// A group of its own: Ctrl-C at the terminal goes only to the program that started the host,
	// which then ends everything in order.
	cmd.SysProcAttr.Setpgid = true
	p, err := newProc(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", strings.Join(args, " "), err)
	}
	h.procs = append(slices.DeleteFunc(h.procs, func(p *Proc) bool { return p.ProcessState() != nil }), p)
	return p, nil
}

// nextAppID returns unique numbers of 64 bits.
func (h *Machine) nextAppID() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.appID++
	return 1<<63 + h.appID
}

// Close ends all processes and waits for them. It may be called again.
func (h *Machine) Close() error {
	h.mu.Lock()
	h.closed = true
	procs := slices.Clone(h.procs)
	h.mu.Unlock()
	var err error
	for _, p := range procs {
		err = errors.Join(err, p.Kill(syscall.SIGKILL))
	}
	for _, file := range h.stderr {
		if file != nil {
			err = errors.Join(err, ignoreClosed(file.Close()))
		}
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
