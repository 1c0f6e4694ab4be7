//go:build e2e && deployments

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// frameworks is a virtual environment with all of them (`make e2e-deployments` installs it).
type frameworks struct{ folder, checkout, redis string }

// deployed is a service around FaceFusion as people build it, in a checkout.
type deployed struct {
	name string
	// argv is its command; PORT stands for a port, and without a port it listens nowhere.
	argv string
	// workers is how many Python processes it has at least below it, besides those of a run.
	workers int
	// ask is a command that has it start a run; empty for a GET of /swap.
	ask string
	// state and kind are what its server shows.
	state, kind string
}

var deployments = []deployed{
	{"FastAPI with uvicorn", "python -m uvicorn fastapi_app:app --port PORT", 0, "", "answering", "http"},
	{"FastAPI with uvicorn's workers", "uvicorn fastapi_app:app --port PORT --workers 2", 2, "", "answering", "http"},
	{"FastAPI with hypercorn", "hypercorn fastapi_app:app --bind 127.0.0.1:PORT", 1, "", "answering", "http"},
	{"Flask with its own server", "flask --app flask_app run --port PORT", 0, "", "answering", "http"},
	{"Flask with gunicorn's workers", "gunicorn flask_app:app --workers 3 --bind 127.0.0.1:PORT", 3, "", "answering", "http"},
	{"Flask with waitress", "waitress-serve --listen 127.0.0.1:PORT flask_app:app", 0, "", "answering", "http"},
	{"Celery", "celery -A celery_app worker --concurrency 2", 2, "celery -A celery_app call celery_app.run", "", ""},
	{"RQ", "rq worker --url REDIS", 0, "rq enqueue --url REDIS swap.swap", "", ""},
	{"gRPC", "python grpc_server.py", 0,
		`python -c import~grpc;grpc.insecure_channel("127.0.0.1:PORT").unary_unary("/swap.Swapper/Run")(b"",wait_for_ready=True)`, "answering", "unknown"},
	{"Ray Serve", "python ray_app.py", 1, "", "", ""}, // a worker has the port
}

// TestDeployments: each is found without configuration, as one service with its workers; the run
// that it starts for a request is of the same instance; and killed, it is down within a second.
func TestDeployments(t *testing.T) {
	folder := os.Getenv("DEPLOYMENTS_FRAMEWORKS")
	require.NotEmpty(t, folder, "DEPLOYMENTS_FRAMEWORKS names no virtual environment: run `make e2e-deployments`")
	f := frameworks{folder: folder, checkout: filepath.Join(t.TempDir(), "facefusion")}
	require.NoError(t, os.CopyFS(f.checkout, os.DirFS("../deployments")))
	f.startRedis(t)
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) { f.follow(t, d) })
	}
}

func (f *frameworks) follow(t *testing.T, d deployed) {
	c := start(t, "")
	port := steadyPorts(t, 1)[0]
	service := f.command(t, d.argv, port)
	service.SysProcAttr.Setpgid = true
	require.NoError(t, service.Start())
	group := service.Process.Pid
	t.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL); _ = service.Wait() })
	roles := func(p page, role string) (n float64) {
		for _, s := range p.samples("facefusion_process_count", "facefusion_process_role", role) {
			n += s.value
		}
		return n
	}
	took := c.eventually(t, 60*time.Second, "it is found as one service", func(p page) bool {
		return p.is(1, "facefusion_process_up") && roles(p, "service") == 1 && roles(p, "worker") >= float64(d.workers) &&
			p.is(1, "facefusion_instance_info", "service_version", "3.8.1") &&
			(d.state == "" || state(p, uint16(port), d.state) && serverKind(p, port, d.kind))
	})
	t.Logf("found after %v", took)

	asked := make(chan error, 1)
	go func() { asked <- f.ask(t, d, port) }()
	c.eventually(t, 90*time.Second, "the run for a request is of the same instance", func(p page) bool {
		return roles(p, "runner") == 1 && p.is(1, "facefusion_process_up")
	})
	require.NoError(t, <-asked)
	c.eventually(t, 10*time.Second, "the run is over", func(p page) bool { return roles(p, "runner") == 0 && p.is(1, "facefusion_process_up") })

	require.NoError(t, syscall.Kill(group, syscall.SIGKILL))
	took = c.eventually(t, time.Second, "killed, it is down within a second", func(p page) bool {
		return p.is(0, "facefusion_process_up") && (d.state == "" || state(p, uint16(port), "down"))
	})
	t.Logf("down after %v", took)
}

// ask has the service start a run, and waits for its answer.
func (f *frameworks) ask(t *testing.T, d deployed, port int) error {
	if d.ask != "" {
		out, err := f.command(t, d.ask, port).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", d.ask, err, out)
		}
		return nil
	}
	path := "/swap"
	if d.name == "Ray Serve" {
		path = "/"
	}
	// Its port may be opened late, and Ray's proxy answers 404 until it knows the route.
	var err error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var response *http.Response
		if response, err = http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path)); err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
		err = fmt.Errorf("it answers %s", response.Status)
	}
	return err
}

// command is one of the environment's programs, in the checkout.
func (f *frameworks) command(t *testing.T, line string, port int) *exec.Cmd {
	argv := strings.Fields(line)
	for n := range argv {
		argv[n] = strings.NewReplacer("PORT", strconv.Itoa(port), "REDIS", f.redis, "~", " ").Replace(argv[n])
	}
	cmd := exec.Command(filepath.Join(f.folder, "bin", argv[0]), argv[1:]...)
	cmd.Dir = f.checkout
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "REDIS_URL="+f.redis, "SERVER_PORT="+strconv.Itoa(port), "RAY_FOLDER="+f.folder+"/ray",
		"RAY_USAGE_STATS_ENABLED=0", "PATH="+f.folder+"/bin:"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// startRedis starts a real one, from the packages beside the environment where the host has none.
func (f *frameworks) startRedis(t *testing.T) {
	t.Helper()
	port := steadyPorts(t, 1)[0]
	f.redis = fmt.Sprintf("redis://127.0.0.1:%d", port)
	program, err := exec.LookPath("redis-server")
	if err != nil {
		// it is redis-server by its name
		program = filepath.Join(f.folder, "redis/usr/bin/redis-check-rdb")
	}
	libraries, err := filepath.Glob(filepath.Join(f.folder, "redis/usr/lib/*-linux-gnu"))
	require.NoError(t, err)
	cmd := exec.Command(program, "--port", strconv.Itoa(port), "--save", "", "--dir", t.TempDir())
	cmd.Args[0] = "redis-server"
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}
