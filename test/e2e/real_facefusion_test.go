//go:build e2e && real

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const noCheckout = "FACEFUSION_CHECKOUT=%q is no checkout of FaceFusion 3.x: " +
	"git clone --branch 3.8.1 https://github.com/facefusion/facefusion, name its folder, and run `make e2e-real`"

// faceFusionCopy is a copy of a real checkout of FaceFusion, with models that the test made.
type faceFusionCopy struct {
	t       *testing.T
	python  string
	version string
	// dir is the copy, media where the inputs are, logs where the programs write to.
	dir, media, logs string
	env              []string
	programs         int
}

// newFaceFusion copies the checkout that the developer names. Nothing is written to his own.
func newFaceFusion(t *testing.T) *faceFusionCopy {
	t.Helper()
	checkout, python := os.Getenv("FACEFUSION_CHECKOUT"), os.Getenv("FACEFUSION_PYTHON")
	metadata, err := os.ReadFile(filepath.Join(checkout, "facefusion/metadata.py"))
	require.NoError(t, err, noCheckout, checkout)
	version := regexp.MustCompile(`'version':\s*'(3\.[^']+)'`).FindSubmatch(metadata)
	require.NotNil(t, version, noCheckout, checkout)
	require.NotEmpty(t, python, "FACEFUSION_PYTHON names no Python with what FaceFusion requires: run `make e2e-real`")
	for _, needed := range []string{"ffmpeg", "ffprobe", "curl"} {
		_, err := exec.LookPath(needed)
		require.NoError(t, err, "FaceFusion needs %s, which is not installed", needed)
	}
	root := t.TempDir()
	f := &faceFusionCopy{
		t: t, python: python, version: string(version[1]),
		dir: filepath.Join(root, "facefusion"), media: filepath.Join(root, "media"), logs: filepath.Join(root, "log"),
	}
	for _, dir := range []string{f.dir, f.media, f.logs, filepath.Join(root, "bin"), filepath.Join(root, "tmp"), f.output("")} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	require.NoError(t, os.CopyFS(filepath.Join(f.dir, "facefusion"), os.DirFS(filepath.Join(checkout, "facefusion"))))
	for _, name := range []string{"facefusion.py", "facefusion.ico"} {
		content, err := os.ReadFile(filepath.Join(checkout, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, name), content, 0o600))
	}
	// Versions before 3.4 look for a face to refer to, whatever the processor.
	settings := "[face_selector]\nface_selector_mode = many\n[processors]\nprocessors = frame_colorizer\nframe_colorizer_model = deoldify\n[paths]\noutput_path = " + f.output("") + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "facefusion.ini"), []byte(settings), 0o600))
	// Nothing is downloaded.
	require.NoError(t, os.WriteFile(filepath.Join(root, "bin/curl"), []byte("#!/bin/sh\nexit 6\n"), 0o700))
	f.env = append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"), "TMPDIR="+filepath.Join(root, "tmp"),
		"PYTHONDONTWRITEBYTECODE=1", "GRADIO_ANALYTICS_ENABLED=False", "HF_HUB_OFFLINE=1")
	f.must(python, "../real/models.py", f.dir)
	for name, color := range map[string]string{"gray": "0x808080", "white": "white", "black": "black"} {
		f.must("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color="+color+":s=64x64:r=25:d=2", "-pix_fmt", "yuv420p", f.input(name+".mp4"))
		f.must("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color="+color+":s=64x64", "-frames:v", "1", f.input(name+".png"))
	}
	f.must("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color=0x808080:s=64x64:r=25:d=20", "-pix_fmt", "yuv420p", f.input("long.mp4"))
	return f
}

// namesExtensions says that the outputs of a batch may have the extensions of their targets.
func (f *faceFusionCopy) namesExtensions() bool {
	core, err := os.ReadFile(filepath.Join(f.dir, "facefusion/core.py"))
	require.NoError(f.t, err)
	return strings.Contains(string(core), "target_extension")
}

// countsCalls says that its Gradio has statistics: that of 3.5 and later.
func (f *faceFusionCopy) countsCalls() bool {
	_, rest, _ := strings.Cut(f.version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	require.NoError(f.t, err, f.version)
	return n >= 5
}

func (f *faceFusionCopy) input(name string) string { return filepath.Join(f.media, name) }

func (f *faceFusionCopy) output(name string) string {
	return filepath.Join(filepath.Dir(f.dir), "out", name)
}

func (f *faceFusionCopy) must(name string, arguments ...string) {
	f.t.Helper()
	said, err := exec.Command(name, arguments...).CombinedOutput()
	require.NoError(f.t, err, "%s %s: %s", name, strings.Join(arguments, " "), said)
}

// faceFusionProgram is one process of FaceFusion, whose log the collector reads.
type faceFusionProgram struct {
	*exec.Cmd
	t     *testing.T
	what  string
	ended chan struct{}
	// endedAt is set when it has ended.
	endedAt time.Time
}

// start starts a command of FaceFusion.
func (f *faceFusionCopy) start(command string, arguments ...string) *faceFusionProgram {
	f.t.Helper()
	f.programs++
	log, err := os.Create(filepath.Join(f.logs, fmt.Sprintf("%02d-%s.log", f.programs, command)))
	require.NoError(f.t, err)
	defer log.Close()
	p := &faceFusionProgram{Cmd: exec.Command(f.python, append([]string{"facefusion.py", command}, arguments...)...), t: f.t, what: command, ended: make(chan struct{})}
	p.Dir, p.Env, p.Stderr = f.dir, f.env, log
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	require.NoError(f.t, p.Start())
	go func() {
		_ = p.Wait() // exitCode says how
		p.endedAt = time.Now()
		close(p.ended)
	}()
	f.t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
		// The ffmpegs of one that was killed write on.
		for begin := time.Now(); syscall.Kill(-p.Process.Pid, syscall.SIGKILL) == nil && time.Since(begin) < time.Second; {
			time.Sleep(10 * time.Millisecond)
		}
	})
	return p
}

// exitCode waits for the end, and is as a shell says it: 137 after a kill.
func (p *faceFusionProgram) exitCode() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(10 * time.Minute):
		require.Fail(p.t, "it does not end", p.what)
	}
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ProcessState.ExitCode()
}

func (p *faceFusionProgram) signal(s syscall.Signal) { require.NoError(p.t, p.Process.Signal(s)) }

// browser is a user before FaceFusion's web UI.
type browser struct {
	t        *testing.T
	mu       sync.Mutex
	commands int
	answers  map[string]chan string
	stdin    interface{ Write([]byte) (int, error) }
}

// webUI starts a web UI, and opens it.
func (f *faceFusionCopy) webUI(arguments ...string) (*faceFusionProgram, int, *browser) {
	f.t.Helper()
	port := freePorts(f.t, 1)[0]
	f.env = append(f.env, "GRADIO_SERVER_PORT="+strconv.Itoa(port))
	p := f.start("run", arguments...)
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	require.Eventually(f.t, func() bool {
		answer, err := http.Get(url)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 5*time.Minute, 200*time.Millisecond, "the web UI does not come up: see %s", f.logs)
	b := &browser{t: f.t, answers: map[string]chan string{"0": make(chan string, 1)}}
	cmd := exec.Command(f.python, "../real/browser.py", url)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	require.NoError(f.t, err)
	b.stdin = stdin
	stdout, err := cmd.StdoutPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, cmd.Start())
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			number, text, _ := strings.Cut(lines.Text(), " ")
			b.mu.Lock()
			answer := b.answers[number]
			b.mu.Unlock()
			answer <- text
		}
	}()
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Equal(f.t, "ok", b.wait("0"))
	return p, port, b
}

// begin does something that is over when its answer is there.
func (b *browser) begin(command ...any) (number string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands++
	number = strconv.Itoa(b.commands)
	b.answers[number] = make(chan string, 1)
	text, err := json.Marshal(command)
	require.NoError(b.t, err)
	_, err = b.stdin.Write([]byte(number + " " + string(text) + "\n"))
	require.NoError(b.t, err)
	return number
}

// wait is what came of it: "ok", or what the web UI said.
func (b *browser) wait(number string) string {
	b.t.Helper()
	b.mu.Lock()
	answer := b.answers[number]
	b.mu.Unlock()
	select {
	case text := <-answer:
		return text
	case <-time.After(3 * time.Minute):
		require.Fail(b.t, "the browser waits for an answer in vain")
		return ""
	}
}

// do does something, and waits until it is done.
func (b *browser) do(command ...any) string {
	b.t.Helper()
	return b.wait(b.begin(command...))
}

// must does something that has to succeed.
func (b *browser) must(command ...any) {
	b.t.Helper()
	require.Equal(b.t, "ok", b.do(command...), "%v", command)
}
