package fakeproc

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/gradio"
)

// Instruction is the complete desired state of a fake FaceFusion process. Each change sends all of
// it.
type Instruction struct {
	// Number counts the changes; the report on a change repeats its number.
	Number int `json:"number"`
	// Downloading is the time before a server opens its port: a curl child fetches models.
	Downloading bool `json:"downloading"`
	// Working uses the CPU and has an ffmpeg child that encodes.
	Working bool `json:"working"`
	// Tabs are open in browsers: each polls twice a second, and costs an idle server an eighth of a
	// core.
	Tabs int `json:"tabs"`
	// Gradio is the behaviour of a server's web UI.
	Gradio gradio.Behavior `json:"gradio"`
	// Exit ends the process with this code.
	Exit *int `json:"exit"`
}

// Report is the actual state of a fake FaceFusion process after a change.
type Report struct {
	Number int `json:"number"`
	// Port is the listening port, 0 while there is none.
	Port uint16 `json:"port"`
	// Children are the PIDs of its children.
	Children []int `json:"children"`
	// Error says why the change failed; the process exits after it.
	Error string `json:"error"`
}

// faceFusion plays a process of FaceFusion. Only the goroutine of main may use its fields.
type faceFusion struct {
	web        *gradio.Handler // nil until the port is open
	port       uint16
	curl       *child
	encoder    *child
	stopBurner chan struct{}
	stopTabs   chan struct{}
	tabs       int
}

// main applies instructions until standard input ends, and returns the exit code.
func (f *faceFusion) main(stdin io.Reader, stdout io.Writer) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGUSR1)
	states := make(chan Instruction)
	go func() {
		defer close(states)
		for dec := json.NewDecoder(stdin); ; {
			var state Instruction
			if dec.Decode(&state) != nil {
				return
			}
			states <- state
		}
	}()
	var state Instruction
	for {
		var ok bool
		select {
		case state, ok = <-states:
			if !ok {
				return 1
			}
		case s := <-signals:
			if s == syscall.SIGINT {
				return 0 // as FaceFusion has it, whatever it was doing
			}
			state.Gradio.Mode = state.Gradio.Mode.Next()
		}
		report := Report{Number: state.Number}
		if err := f.become(state); err != nil {
			report.Error = err.Error()
		}
		report.Port, report.Children = f.port, f.children()
		if json.NewEncoder(stdout).Encode(report) != nil || report.Error != "" {
			return 1
		}
		if state.Exit != nil {
			return *state.Exit
		}
	}
}

func (f *faceFusion) become(state Instruction) error {
	if err := toggle(&f.curl, state.Downloading, curlCommand); err != nil {
		return err
	}
	working := state.Working && state.Exit == nil
	if err := toggle(&f.encoder, working, encoderCommand); err != nil {
		return err
	}
	switch {
	case working && f.stopBurner == nil:
		f.stopBurner = make(chan struct{})
		go burn(f.stopBurner, effort, func() {})
	case !working && f.stopBurner != nil:
		close(f.stopBurner)
		f.stopBurner = nil
		if err := os.RemoveAll(tempFolder()); err != nil {
			return err
		}
	}
	f.serveTabs(state.Tabs)
	if os.Args[2] == "run" && !state.Downloading && f.web == nil {
		if err := f.listen(); err != nil {
			return err
		}
	}
	if f.web != nil {
		f.web.Set(state.Gradio)
	}
	return nil
}

// serveTabs uses the CPU time that polling tabs would cost.
func (f *faceFusion) serveTabs(tabs int) {
	if tabs == f.tabs {
		return
	}
	if f.stopTabs != nil {
		close(f.stopTabs)
		f.stopTabs = nil
	}
	if f.tabs = tabs; tabs > 0 {
		f.stopTabs = make(chan struct{})
		go poll(f.stopTabs, tabs)
	}
}

func (f *faceFusion) children() []int {
	pids := []int{}
	for _, c := range []*child{f.curl, f.encoder} {
		if c != nil {
			pids = append(pids, c.cmd.Process.Pid)
		}
	}
	return pids
}

// listen binds the first free port, as Gradio does.
func (f *faceFusion) listen() error {
	name := os.Getenv("GRADIO_SERVER_NAME")
	if name == "" {
		name = "127.0.0.1"
	}
	first, ports := number("GRADIO_SERVER_PORT", 7860), number("GRADIO_NUM_PORTS", 100)
	var listener net.Listener
	err := errors.New("no port to try")
	for port := first; port < first+ports; port++ {
		if listener, err = net.Listen("tcp4", net.JoinHostPort(name, strconv.Itoa(port))); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	f.web = gradio.New()
	f.port = uint16(listener.Addr().(*net.TCPAddr).Port)
	go func() { _ = http.Serve(listener, f.web) }() // until the process ends
	return nil
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

func toggle(c **child, on bool, command func() []string) (err error) {
	switch {
	case on && *c == nil:
		*c, err = startChild(command()...)
	case !on && *c != nil:
		(*c).stop()
		*c = nil
	}
	return err
}

// curlCommand and encoderCommand are command lines of FaceFusion 3.8.1.
func curlCommand() []string {
	return []string{
		"/usr/bin/curl", "--user-agent", "FaceFusion/3.8.1", "--location", "--silent", "--ssl-no-revoke", "--create-dirs", "--continue-at", "-",
		"--output", filepath.Join(".assets", "models", "hyperswap_1a_256.onnx"),
		"https://github.com/facefusion/facefusion-assets/releases/download/models-3.3.0/hyperswap_1a_256.onnx", "--connect-timeout", "5", "--retry", "5",
	}
}

func encoderCommand() []string {
	return []string{
		"/usr/bin/ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "1280x720", "-r", "25.0", "-i", "pipe:0",
		"-c:v", "libx264", "-threads", "16", "-crf", "10", "-preset", "veryfast", "-pix_fmt", "yuv420p",
		"-y", filepath.Join(tempFolder(), "temp.mp4"),
	}
}

// tempFolder is the temporary folder of the process. FaceFusion names it after the job's target;
// here each process has its own.
func tempFolder() string {
	return filepath.Join(os.TempDir(), "facefusion", "clip-"+strconv.Itoa(os.Getpid()))
}
