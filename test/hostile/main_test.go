package hostile

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/stretchr/testify/require"
)

// What this program does instead of running tests: it serves a share, or is a process that looks
// like FaceFusion.
const (
	shareOf = "HOSTILE_SHARE_OF"
	shareAt = "HOSTILE_SHARE_AT"
	// fake is how many descriptors the process holds.
	fake = "HOSTILE_FAKE"
	// listens says that it listens, and whether it answers.
	listens = "HOSTILE_LISTENS"
)

func TestMain(m *testing.M) {
	if of := os.Getenv(shareOf); of != "" {
		if err := serve(of, os.Getenv(shareAt)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if descriptors := os.Getenv(fake); descriptors != "" {
		pretend(descriptors)
	}
	os.Exit(runAll(m))
}

// workspace is a folder of this run alone, which every user may enter. t.TempDir makes folders that
// only their owner may.
var workspace string

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hostile-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workspace = dir
	return m.Run()
}

// pretend holds descriptors, says so by a line, and does nothing else.
func pretend(descriptors string) {
	n, err := strconv.Atoi(descriptors)
	if err != nil {
		panic(err)
	}
	for range n {
		if _, err := syscall.Dup(0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	if answers := os.Getenv(listens); answers != "" {
		listen(answers == "true")
	}
	fmt.Println("ready")
	time.Sleep(24 * time.Hour) // it is ended before
}

// listen takes connections on a port of its own. What it answers is what a Gradio answers to a
// monitor.
func listen(answers bool) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	if !answers {
		return
	}
	texts := map[string]string{
		"/gradio_api/startup-events": "false",
		"/gradio_api/queue/status":   `{"msg":"estimation","event_id":null,"rank":null,"queue_size":0,"rank_eta":null}`,
		"/gradio_api/app_id":         `{"app_id":17}`,
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // it lives for a test
			text, there := texts[r.URL.Path]
			if !there {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
		}))
	}()
}

// serve mounts a folder at another, as a share whose server is this process, until it is ended.
func serve(of, at string) error {
	root, err := fs.NewLoopbackRoot(of)
	if err != nil {
		return err
	}
	none := time.Duration(0) // nothing is cached: each access is a request
	server, err := fs.Mount(at, root, &fs.Options{
		EntryTimeout: &none, AttrTimeout: &none,
		MountOptions: fuse.MountOptions{AllowOther: true, DirectMountStrict: true, FsName: "share", Name: "share"},
	})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		_ = server.Unmount()
	}()
	server.Wait()
	return nil
}

// mountedShare is a mounted share. Stop has it answer no request until Continue.
type mountedShare struct {
	t   *testing.T
	at  string
	cmd *exec.Cmd
}

// mount makes a share of a folder. Whatever state it is in, it is gone after the test.
func mount(t *testing.T, of, at string) *mountedShare {
	t.Helper()
	require.NoError(t, os.MkdirAll(at, 0o755))
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), shareOf+"="+of, shareAt+"="+at)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	s := &mountedShare{t: t, at: at, cmd: cmd}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = syscall.Unmount(at, syscall.MNT_DETACH|syscall.MNT_FORCE)
	})
	require.Eventually(t, func() bool {
		var a, b syscall.Stat_t
		return syscall.Stat(at, &a) == nil && syscall.Stat(of, &b) == nil && a.Dev != b.Dev
	}, 10*time.Second, 5*time.Millisecond, "the share is not mounted")
	return s
}

func (s *mountedShare) stop()   { require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGSTOP)) }
func (s *mountedShare) resume() { require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGCONT)) }
