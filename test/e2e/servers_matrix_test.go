//go:build e2e && servers

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The alerts of the table in docs/servers.md, as conditions on the page; that the rules fire after
// their time is tested beside them.
const (
	none         = "none"
	serverDown   = "FaceFusionServerDown"
	unresponsive = "FaceFusionServerUnresponsive"
	serviceDown  = "FaceFusionServiceDown"
	crashed      = "FaceFusionCrashed"
)

// alertsOf are the alerts of an instance, sorted.
func alertsOf(p page, id string) string {
	var list []string
	has := func(value float64, name string, pairs ...string) bool {
		return slices.ContainsFunc(p.samples(name, append(pairs, "service_instance_id", id)...), func(s sample) bool { return s.value == value })
	}
	for _, s := range p.samples("facefusion_process_exits_total", "service_instance_id", id) {
		if reason := s.labels["facefusion_exit_reason"]; s.value > 0 && (reason == "crashed" || reason == "killed") && s.labels["facefusion_process_role"] != "worker" {
			list = append(list, crashed)
		}
	}
	if has(1, "facefusion_server_state", "facefusion_server_state", "down") {
		list = append(list, serverDown)
	}
	if has(1, "facefusion_server_state", "facefusion_server_state", "unresponsive") {
		list = append(list, unresponsive)
	}
	if has(0, "facefusion_process_count", "facefusion_process_role", "service") && !has(1, "facefusion_process_stopped") &&
		len(p.samples("facefusion_server_state", "service_instance_id", id)) == 0 {
		list = append(list, serviceDown)
	}
	if list == nil {
		return none
	}
	return strings.Join(list, " ")
}

// matrixRow is a server or a program of the table: what it is, whether the configuration names it,
// and what its alerts are after each act: while the collector looks, and of the next one with and
// without storage.
type matrixRow struct {
	name, kind, script, command string
	named, endpoint             bool
	kill, stopped, clean        [3]string
	// reboot is what the first page after it says, with and without storage.
	reboot [2]string
	up     string
}

func each(alert string) [3]string { return [3]string{alert, alert, alert} }

var matrixRows = func() []matrixRow {
	const web, service = "facefusion.py", "app.py"
	// The counter of exits begins anew with each collector.
	found := matrixRow{
		kill: [3]string{crashed + " " + serverDown, serverDown, none}, stopped: each(unresponsive),
		clean: [3]string{none, none, none}, reboot: [2]string{serverDown, none},
	}
	named := matrixRow{
		named: true, kill: [3]string{crashed + " " + serverDown, serverDown, serverDown}, stopped: each(unresponsive),
		clean: each(serverDown), reboot: [2]string{serverDown, serverDown},
	}
	make := func(from matrixRow, name, kind, script, up string) matrixRow {
		from.name, from.kind, from.script, from.command, from.up = name, kind, script, "run", up
		return from
	}
	list := []matrixRow{
		make(found, "ui-found", "gradio", web, "ready"), make(named, "ui-named", "gradio", web, "ready"),
		make(found, "fastapi-found", "fastapi", service, "answering"), make(named, "fastapi-named", "fastapi", service, "answering"),
		make(found, "flask-found", "flask", service, "answering"), make(named, "aiohttp-named", "aiohttp", service, "answering"),
		make(found, "gunicorn-found", "gunicorn", service, "answering"), make(found, "grpc-found", "grpc", service, "answering"),
	}
	// Who stops the master of gunicorn stops no worker: they answer.
	list[slices.IndexFunc(list, func(r matrixRow) bool { return r.kind == "gunicorn" })].stopped = each(none)
	bot := matrixRow{
		name: "bot-found", kind: "bot", script: service, command: "run", kill: [3]string{crashed + " " + serviceDown, serviceDown, none},
		stopped: each(none), clean: each(none), reboot: [2]string{serviceDown, none},
	}
	namedBot := bot
	namedBot.name, namedBot.named, namedBot.clean = "bot-named", true, each(serverDown)
	namedBot.kill, namedBot.reboot = [3]string{crashed + " " + serverDown, serverDown, serverDown}, [2]string{serverDown, serverDown}
	batch := matrixRow{
		name: "batch-found", kind: "bot", script: web, command: "headless-run", kill: [3]string{crashed, none, none},
		stopped: each(none), clean: each(none), reboot: [2]string{none, none},
	}
	endpoint := matrixRow{
		name: "endpoint", kind: "fastapi", script: service, command: "run", endpoint: true, named: true, up: "answering",
		kill: each(serverDown), stopped: each(unresponsive), clean: each(serverDown), reboot: [2]string{serverDown, serverDown},
	}
	return append(list, bot, namedBot, batch, endpoint)
}()

// playedRow is a row whose process runs.
type playedRow struct {
	matrixRow
	port int
	cmd  *exec.Cmd
	log  buffer
}

func (r *playedRow) start(t *testing.T, dir string) {
	t.Helper()
	python, from := os.Getenv("FACEFUSION_PYTHON"), "../servers"
	if r.kind == "gradio" {
		python, from = os.Getenv("GRADIO_PYTHON"), "../gradio"
	}
	require.NotEmpty(t, python, "FACEFUSION_PYTHON and GRADIO_PYTHON name no Python: run `make e2e-servers`")
	folder := filepath.Join(dir, r.name)
	require.NoError(t, os.CopyFS(folder, os.DirFS(from)))
	text, err := os.ReadFile(filepath.Join(from, "facefusion.py"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "app.py"), text, 0o600))
	if r.endpoint {
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "facefusion")))
	}
	r.cmd = exec.Command(python, r.script, r.command)
	if r.command != "run" {
		// a process that starts runs is a service: this one must not be found
		r.cmd = exec.Command("sh", "-c", `"$0" "$@" &`, python, r.script, r.command)
	}
	r.cmd.Dir = folder
	r.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "SERVER_KIND="+r.kind, "SERVER_PORT="+strconv.Itoa(r.port),
		"GRADIO_SERVER_PORT="+strconv.Itoa(r.port), "STANDIN_TRIGGERS="+dir)
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL); _ = r.cmd.Wait() })
}

// id is the instance's on a page: of one that was found, its folder's name with a hash.
func (r *playedRow) id(p page) string {
	if r.named {
		return r.name
	}
	for _, s := range p.samples("facefusion_process_up") {
		if id := s.labels["service_instance_id"]; strings.HasPrefix(id, r.name+"-") {
			return id
		}
	}
	return "unknown"
}

func (r *playedRow) isUp(p page) bool {
	if r.up != "" {
		return state(p, uint16(r.port), r.up)
	}
	return p.is(1, "facefusion_process_up", "service_instance_id", r.id(p))
}

// configuration names what is to be named, and keeps what is known in a folder, if there is one.
func configuration(list []*playedRow, dir, kept string) string {
	var b strings.Builder
	b.WriteString("receivers:\n  facefusion:\n    instances:\n")
	for _, r := range list {
		switch {
		case r.endpoint:
			fmt.Fprintf(&b, "      - {name: %s, endpoint: 'http://127.0.0.1:%d'}\n", r.name, r.port)
		case r.named:
			fmt.Fprintf(&b, "      - {name: %s, path: %s}\n", r.name, filepath.Join(dir, r.name))
		}
	}
	if kept != "" {
		fmt.Fprintf(&b, "    storage: state_storage\nextensions: {state_storage: {directory: %s}}\nservice: {extensions: [health_check, state_storage]}\n", kept)
	}
	return b.String()
}

// TestServersMatrix plays the table of docs/servers.md with real processes: each kind of server and
// program is killed, stopped, ended in an orderly way, or does not come back after a reboot, and
// page and alerts are those that are promised, while the collector looks, after a reload of its
// configuration, after an orderly restart and after a kill of the collector. Two collectors look,
// one of which keeps what it knows. Real are all processes, signals and servers; the reboot is
// played by another boot id, mounted for the collectors alone.
func TestServersMatrix(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test mounts a boot id and must be run as root")
	for _, act := range []string{"kill", "clean", "reboot", "stop"} {
		t.Run(act, func(t *testing.T) { playMatrix(t, act) })
	}
}

func playMatrix(t *testing.T, act string) {
	dir, boot := t.TempDir(), filepath.Join(t.TempDir(), "boot_id")
	require.NoError(t, os.WriteFile(boot, []byte("one\n"), 0o600))
	ports := steadyPorts(t, len(matrixRows))
	var list []*playedRow
	for n, r := range matrixRows {
		list = append(list, &playedRow{matrixRow: r, port: ports[n]})
	}
	kept := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, os.Mkdir(kept, 0o700))
	configurations := [2]string{configuration(list, dir, kept), configuration(list, dir, "")}
	behind := []string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, boot}
	var collectors [2]*collector
	for n := range collectors {
		collectors[n] = startBehind(t, behind, configurations[n])
	}
	for _, r := range list {
		r.start(t, dir)
	}
	for n, c := range collectors {
		for _, r := range list {
			c.eventually(t, 120*time.Second, fmt.Sprintf("%s is up, storage %v: %s", r.name, n == 0, r.log.String()), r.isUp)
			require.Equal(t, none, alertsOf(c.page(t), r.id(c.page(t))), "%s, as long as all is well", r.name)
		}
	}
	ids := make(map[string]string)
	for _, r := range list {
		ids[r.name] = r.id(collectors[0].page(t))
	}
	signal := map[string]syscall.Signal{"kill": syscall.SIGKILL, "clean": syscall.SIGTERM, "reboot": syscall.SIGTERM, "stop": syscall.SIGSTOP}[act]
	for _, r := range list {
		if r.command != "run" {
			require.NoError(t, syscall.Kill(-r.cmd.Process.Pid, signal))
			continue
		}
		require.NoError(t, r.cmd.Process.Signal(signal))
	}
	// want is what a row promises, of the collector that looked (0), and of the next ones with (1)
	// and without (2) storage.
	want := func(r *playedRow, n int) string {
		switch act {
		case "kill":
			return r.kill[n]
		case "clean":
			return r.clean[n]
		case "stop":
			return r.stopped[n]
		default:
			return r.reboot[max(0, n-1)]
		}
	}
	expect := func(when string, of func(n int) int) {
		time.Sleep(3 * time.Second) // how it ended is known a little later than that it did
		for n, c := range collectors {
			for _, r := range list {
				begin := time.Now()
				for alertsOf(c.page(t), ids[r.name]) != want(r, of(n)) && time.Since(begin) < 200*time.Second {
					time.Sleep(200 * time.Millisecond)
				}
				p := c.page(t)
				assert.Equal(t, want(r, of(n)), alertsOf(p, ids[r.name]), "%s of %s, storage %v:\n%s", when, r.name, n == 0, p.facefusion())
			}
		}
		for n, c := range collectors {
			p := c.page(t)
			for _, r := range list {
				assert.Equal(t, want(r, of(n)), alertsOf(p, ids[r.name]), "%s of %s, storage %v, once more", when, r.name, n == 0)
			}
		}
		require.False(t, t.Failed(), "what follows would fail as well")
	}
	if act != "reboot" {
		expect(act, func(int) int { return 0 })
		for _, c := range collectors {
			require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
		}
		time.Sleep(2 * time.Second) // the page is that of before until the receiver starts anew
		expect(act+", then a reload", func(n int) int { return n + 1 })
	}
	for _, c := range collectors {
		c.stop(t)
	}
	if act == "reboot" {
		for _, r := range list {
			_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
			_ = r.cmd.Wait()
		}
		require.NoError(t, os.WriteFile(boot, []byte("two\n"), 0o600))
	}
	for n := range collectors {
		collectors[n] = startBehind(t, behind, configurations[n])
	}
	expect(act+", then a restart", func(n int) int { return n + 1 })
	for n, c := range collectors {
		require.NoError(t, c.cmd.Process.Kill())
		<-c.ended
		collectors[n] = startBehind(t, behind, configurations[n])
	}
	expect(act+", then a kill of the collector", func(n int) int { return n + 1 })
}
