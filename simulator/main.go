package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/fakeproc"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/scenario"
)

func main() {
	fakeproc.Main()
	nameAsTerminal()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// nameAsTerminal sets the kernel's name of this process to that of a terminal, because it stands
// for the user who types FaceFusion's commands. A program with another name that starts runs would
// be a service to the collector. A failure is ignored: then that service is reported.
func nameAsTerminal() { _ = os.WriteFile("/proc/self/comm", []byte("tmux: simulator"), 0) }

type options struct {
	dir       string
	instances int
	gpus      int
	port      uint
	speed     float64
	page      string
	seed      uint64
	duration  time.Duration
	command   []string
	// environment is what a collector needs to find the host.
	environment []string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "work folder; a temporary one, removed at the end, if empty")
	flags.IntVar(&o.instances, "instances", 2, "installations of FaceFusion")
	flags.IntVar(&o.gpus, "gpus", 2, "scripted GPUs; with 0, neither gcc nor go is needed")
	flags.UintVar(&o.port, "port", 7860, "port that servers try first")
	flags.Float64Var(&o.speed, "speed", 10, "how many times faster than on a real host, where a step takes a minute")
	flags.Uint64Var(&o.seed, "seed", 1, "decides what happens")
	flags.StringVar(&o.page, "page", "", "URL of the page of metrics that the command makes, which is printed last")
	flags.DurationVar(&o.duration, "duration", 0, "end after this time; 0 is never")
	err := flags.Parse(args)
	o.command = flags.Args()
	switch {
	case err != nil:
	case o.instances < 1:
		err = errors.New("--instances must be at least 1")
	case o.gpus < 0:
		err = errors.New("--gpus must not be negative")
	case o.port < 1 || o.port > 65535:
		err = errors.New("--port must be between 1 and 65535")
	case o.speed <= 0:
		err = errors.New("--speed must be greater than 0")
	}
	return o, err
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "facefusion-simulator-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	o.environment = []string{"FACEFUSION_SIMULATOR_DIR=" + o.dir}
	h, err := host.New(host.Settings{Dir: o.dir, Instances: o.instances, FirstPort: uint16(o.port)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	o.environment = append(o.environment, "FACEFUSION_LOG="+h.Logs())
	var control fakenvml.Control
	if o.gpus > 0 {
		library, err := fakenvml.Build(o.dir)
		if err != nil {
			return fmt.Errorf("%w (--gpus 0 does without)", err)
		}
		control = fakenvml.Control(filepath.Join(o.dir, "gpus"))
		o.environment = append(o.environment, "FACEFUSION_NVML_LIBRARY="+library, fakenvml.ControlEnv+"="+string(control))
	}
	fmt.Fprint(out, banner(o, h))
	return play(ctx, o, h, control, out)
}

// play runs the players, the GPUs and the command until one of them or the context ends.
func play(ctx context.Context, o options, h *host.Machine, control fakenvml.Control, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, o.instances+2) // one for each that may fail
	together := func(play func() error) {
		wg.Go(func() {
			defer cancel()
			errs <- play()
		})
	}
	players := make([]*scenario.Player, o.instances)
	for i := range players {
		players[i] = &scenario.Player{Host: h, Instance: i, Speed: o.speed}
	}
	if o.gpus > 0 {
		driver := scenario.NewGPULoad(o.gpus, players, control.Set)
		// The command must not load the library before its control file is written.
		if err := driver.Pass(0); err != nil {
			return err
		}
		together(func() error { return driver.Drive(ctx) })
	}
	for i, player := range players {
		together(func() error { return player.Play(ctx, scenario.Plan(o.seed, i)) })
	}
	if len(o.command) > 0 {
		together(func() error { return runCommand(ctx, o, out) })
	}
	wg.Wait()
	close(errs)
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// runCommand runs the command and passes its output through. After SIGTERM it has ten seconds to
// end.
func runCommand(ctx context.Context, o options, out io.Writer) error {
	cmd := exec.CommandContext(ctx, o.command[0], o.command[1:]...)
	cmd.Env = append(os.Environ(), o.environment...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	// As for the fake processes: a group of its own because this program handles Ctrl-C, and killed
	// when this program ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what a shell may have left behind
	}
	if ctx.Err() != nil {
		return nil // it was asked to end
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", o.command[0], err)
	}
	return nil
}

func banner(o options, h *host.Machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This is a simulator: real processes, sockets, files and a loaded driver library, but no face is swapped and no GPU is used.\n")
	fmt.Fprintf(&b, "  seed %d, %g times faster than a real host\n", o.seed, o.speed)
	for i := range o.instances {
		fmt.Fprintf(&b, "  FaceFusion in %s\n", h.Checkout(i))
	}
	fmt.Fprintf(&b, "  web UIs at the first free ports from %d, a little later\n", o.port)
	if len(o.command) == 0 {
		fmt.Fprintf(&b, "A collector sees all of it when it is started with\n  %s\n", strings.Join(o.environment, "\n  "))
	}
	fmt.Fprintf(&b, "Try: kill -9 a process called \"python facefusion.py …\", or kill -USR1 a server (saturated, hung, normal again).\n")
	if o.page != "" {
		fmt.Fprintf(&b, "In some seconds, all of it is at %s\n", o.page)
	}
	return b.String()
}
