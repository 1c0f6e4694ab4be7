//go:build stack

package stack

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const repository = "../.."

// program is a process that the test started.
type program struct {
	name  string
	cmd   *exec.Cmd
	log   *buffer
	ended chan struct{}
}

// start runs a program of the repository, and ends it with the test. What it said is shown if the
// test fails.
func start(t *testing.T, environment []string, path string, arguments ...string) *program {
	t.Helper()
	absolute, err := filepath.Abs(filepath.Join(repository, path))
	require.NoError(t, err)
	require.FileExists(t, absolute, "make e2e-stack builds what this test needs")
	p := &program{name: filepath.Base(path), cmd: exec.Command(absolute, arguments...), log: &buffer{}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	// Configurations of the collector are named from the root of the repository.
	p.cmd.Dir = repository
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// The kernel ends the program with the test, even if the test is killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // callers read ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.end(t, syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s said at last:\n%s", p.name, p.log.tail(40))
		}
	})
	return p
}

// end asks the program to end and waits until it has.
func (p *program) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	require.NoError(t, p.cmd.Process.Signal(signal))
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		require.Fail(t, p.name+" does not end", p.log.tail(40))
	}
}

// ready waits until an address answers with 200.
func (p *program) ready(t *testing.T, url string) {
	t.Helper()
	eventually(t, time.Minute, p.name+" is ready", func() bool {
		select {
		case <-p.ended:
			require.FailNow(t, p.name+" ended", p.log.tail(40))
		default:
		}
		answer, err := http.Get(url)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// eventually polls four times a second: an external program gives no other signal.
func eventually(t *testing.T, within time.Duration, what string, wanted func() bool) {
	t.Helper()
	begin := time.Now()
	for !wanted() {
		if time.Since(begin) > within {
			require.FailNow(t, "it never came: "+what, "waited %v", within)
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Logf("%s: after %v", what, time.Since(begin).Round(100*time.Millisecond))
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// buffer collects a log from several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tail is the last lines.
func (b *buffer) tail(n int) string {
	lines := bytes.Split([]byte(b.String()), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
