package process_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process/proctest"
)

// words splits a command line at blanks.
func words(line string) []string { return strings.Fields(line) }

// pythonIn is a process that runs Python in a folder, started ten minutes ago.
func pythonIn(pid int, cwd, line string) proctest.ProcEntry {
	return proctest.ProcEntry{PID: pid, PPID: 1, Argv: words(line), Exe: "/usr/bin/python3.12", Cwd: cwd, StartTicks: 300_000 + uint64(pid)}
}

// TestToolsAreNoServices: what people run in a checkout without serving anything.
func TestToolsAreNoServices(t *testing.T) {
	for _, line := range []string{
		"python", "python3 -i", "python -q -X dev", "python -c import~facefusion", "python -m pytest", "/venv/bin/python /venv/bin/pytest -x tests",
		"python -m pip install -r requirements.txt", "/venv/bin/python /venv/bin/pip3 install x", "python -m venv .venv", "python -m http.server 8000",
		"python /opt/conda/bin/jupyter-lab --allow-root", "python -m ipykernel_launcher -f /tmp/kernel.json", "python /venv/lib/python3.12/site-packages/ipykernel_launcher.py -f x",
		"python -m debugpy --listen 5678 facefusion.py run", "python /root/.vscode-server/extensions/debugpy/launcher 39999 -- facefusion.py run",
		"python /opt/pycharm/plugins/python/helpers/pydev/pydevd.py --file handler.py", "python -m mypy .", "python /usr/bin/ruff check", "python -m coverage run facefusion.py",
		"python install.py --onnxruntime cuda", "python setup.py develop", "python -m pdb handler.py", "python test_handler.py",
		"python /usr/bin/supervisord -n", "/opt/conda/bin/python /opt/conda/bin/conda run -n ff python x.py", "python -m watchfiles app.main",
		"python /usr/local/bin/airflow scheduler", "python -c from~multiprocessing.spawn~import~spawn_main", "python /usr/lib/python3/dist-packages/pip/__main__.py list",
	} {
		t.Run(line, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/app", "3.8.1")
			p := pythonIn(100, "/app", line)
			for i := range p.Argv {
				p.Argv[i] = strings.ReplaceAll(p.Argv[i], "~", " ")
			}
			w.put(p)
			for range 3 {
				assert.Empty(t, w.pass().Instances)
			}
		})
	}
}

// TestStrangersAreNoServices: programs of others on a host with FaceFusion.
func TestStrangersAreNoServices(t *testing.T) {
	w := newHarness(t, process.Settings{})
	for _, checkout := range []string{"/facefusion", "/opt/facefusion", "/srv/facefusion", "/home/facefusion", "/usr/facefusion", "/var/facefusion", "/root/work/deep/facefusion"} {
		w.checkout(checkout, "3.8.1")
	}
	for n, cwd := range []string{"/", "/opt", "/srv", "/home", "/usr", "/var", "/root/work"} {
		w.put(pythonIn(100+n, cwd, "/usr/bin/python3 /usr/share/daemon/main.py --foreground"))
		w.put(pythonIn(200+n, cwd, "/usr/bin/python3 daemon.py"))
	}
	w.put(proctest.ProcEntry{PID: 300, PPID: 1, Argv: words("node server.js"), Cwd: "/facefusion", StartTicks: 300_000})
	w.put(proctest.ProcEntry{PID: 301, PPID: 1, Argv: words("nginx -g daemon"), Cwd: "/facefusion", StartTicks: 300_000})
	w.put(proctest.ProcEntry{PID: 302, PPID: 1, Argv: words("bash"), Cwd: "/facefusion", StartTicks: 300_000})
	for range 3 {
		assert.Empty(t, w.pass().Instances)
	}
}

// TestWhoStartsRunsForOthers: a shell, a terminal, an editor, a scheduler or a supervisor is no
// service because FaceFusion runs below it, and what else runs below it is not FaceFusion's.
func TestWhoStartsRunsForOthers(t *testing.T) {
	for name, starters := range map[string][]proctest.ProcEntry{
		"jenkins": {{Argv: words("java -jar jenkins.war")}, {Argv: words("sh -xe /tmp/jenkins1.sh")}},
		"airflow": {{Argv: words("python /usr/local/bin/airflow scheduler"), Comm: "airflow"}, {Argv: []string{"bash", "-c", "python facefusion.py headless-run"}}},
		"tmux":    {{Argv: words("tmux new -s ff"), Comm: "tmux: server"}, {Argv: words("-bash"), Comm: "bash"}},
		"IDE":     {{Argv: words("/root/.vscode-server/bin/node /root/.vscode-server/out/server-main.js"), Comm: "node"}, {Argv: words("/bin/bash"), Comm: "bash"}},
		"editor":  {{Argv: words("/root/.vscode-server/bin/node --type=extensionHost"), Comm: "node"}},
		"ssh":     {{Argv: []string{"sshd: root@notty"}, Comm: "sshd"}, {Argv: []string{"bash", "-c", "python facefusion.py headless-run"}}},
		"cron":    {{Argv: words("/usr/sbin/cron -f")}, {Argv: []string{"/bin/sh", "-c", "timeout 1h python facefusion.py headless-run"}}, {Argv: words("timeout 1h python facefusion.py headless-run")}},
		"systemd": {{Argv: words("/lib/systemd/systemd --user")}},
		"pm2":     {{Argv: []string{"PM2 v5.3.0: God Daemon (/root/.pm2)"}, Comm: "PM2 v5.3.0: God"}},
		"notebook": {
			{Argv: words("python -m ipykernel_launcher -f kernel.json")}, {Argv: []string{"/bin/sh", "-c", "python facefusion.py headless-run"}},
		},
		"script":     {{Argv: words("bash run_all.sh")}},
		"supervisor": {{Argv: words("python /usr/bin/supervisord -n"), Comm: "supervisord"}},
		"container":  {{Argv: words("/usr/bin/containerd-shim-runc-v2 -namespace moby"), Comm: "containerd-shim"}},
		"tests":      {{Argv: words("python -m pytest tests")}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			parent := 1
			for n, p := range starters {
				p.PID, p.PPID, p.Cwd, p.StartTicks = 100+n, parent, "/home/jo", 300_000+uint64(n)
				w.put(p)
				parent = p.PID
			}
			w.put(proctest.ProcEntry{PID: 300, PPID: parent, Argv: words("vim notes"), Cwd: "/", StartTicks: 300_100})
			run := runner(400, "/opt/facefusion")
			run.PPID = parent
			w.put(run)
			for range 3 {
				assert.Equal(t, map[process.Role][]int{process.RoleRunner: {400}}, pids(only(t, w.pass())))
			}
		})
	}
}

// TestWhoStartsRunsForItself: a program of one's own is a service from its first run on, alone.
func TestWhoStartsRunsForItself(t *testing.T) {
	for name, starters := range map[string][]proctest.ProcEntry{
		"uvicorn":  {{Argv: words("/venv/bin/python /venv/bin/uvicorn app:app"), Comm: "uvicorn"}},
		"node":     {{Argv: words("node bot.js")}},
		"go":       {{Argv: words("/usr/local/bin/swapper serve")}},
		"shell -c": {{Argv: words("python worker.py")}, {Argv: []string{"/bin/sh", "-c", "python facefusion.py headless-run -s a"}}},
		"timeout":  {{Argv: words("node bot.js")}, {Argv: []string{"sh", "-c", "timeout 10 conda run python x"}}, {Argv: words("timeout 10 conda run python x")}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t, process.Settings{})
			w.checkout("/opt/facefusion", "3.8.1")
			parent := 1
			for n, p := range starters {
				p.PID, p.PPID, p.Cwd, p.StartTicks = 100+n, parent, "/srv/app", 300_000+uint64(n)
				w.put(p)
				parent = p.PID
			}
			w.put(proctest.ProcEntry{PID: 300, PPID: 100, Argv: words("vim notes"), Cwd: "/", StartTicks: 300_100})
			assert.Empty(t, w.pass().Instances)
			run := runner(400, "/opt/facefusion")
			run.PPID = parent
			w.put(run)
			assert.Equal(t, map[process.Role][]int{process.RoleRunner: {400}, process.RoleService: {100}}, pids(only(t, w.pass())))
			w.remove(400)
			i := only(t, w.pass())
			assert.Equal(t, map[process.Role][]int{process.RoleService: {100}}, pids(i))
			assert.Equal(t, "parent_of_run", i.Processes[0].Rule)
			assert.True(t, i.Up())
		})
	}
}

// TestShortProgramsLeaveNoTrace: a check that ends is no service that went down, but one that fails
// at once again and again is.
func TestShortProgramsLeaveNoTrace(t *testing.T) {
	zombie := func(p proctest.ProcEntry, code int) proctest.ProcEntry {
		p.State, p.ExitCode = "Z", code<<8
		return p
	}
	w := newHarness(t, process.Settings{})
	w.checkout("/app", "3.8.1")
	w.pass()
	p := pythonIn(100, "/app", "python clean.py")
	p.StartTicks = w.host.Ticks()
	w.put(p)
	assert.Equal(t, process.RoleService, only(t, w.pass()).Processes[0].Role)
	w.put(zombie(p, 0))
	s := w.pass()
	assert.Empty(t, s.Changes)
	assert.Empty(t, s.Instances)

	for n := range 3 {
		p.PID = 101 + n
		w.put(p)
		w.pass()
		w.put(zombie(p, 1))
		s = w.pass()
		require.Len(t, s.Changes, 2, "the start and the exit")
		u := usageOf(t, only(t, s), process.RoleService)
		assert.Equal(t, uint64(n+1), u.Starts)
		assert.Equal(t, map[process.ExitReason]uint64{process.ExitFailed: uint64(n + 1)}, u.Exits)
	}

	p.PID = 110
	w.put(p)
	assert.Empty(t, w.pass().Changes)
	w.advance(10 * time.Second)
	s = w.pass()
	require.Len(t, s.Changes, 1)
	assert.False(t, s.Changes[0].Exited)
	w.put(zombie(p, 0))
	s = w.pass()
	require.Len(t, s.Changes, 1)
	assert.Equal(t, process.ExitCompleted, s.Changes[0].Reason)
}

// TestWorkers: gunicorn with workers, which have titles instead of command lines.
func TestWorkers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/app", "3.8.1")
	master := pythonIn(100, "/app", "x")
	master.Argv, master.Comm = []string{"gunicorn: master [wsgi:app]"}, "gunicorn: maste"
	w.put(master)
	for n := range 2 {
		p := pythonIn(101+n, "/app", "x")
		p.PPID, p.Argv, p.Comm = 100, []string{"gunicorn: worker [wsgi:app]"}, "gunicorn: worke"
		w.put(p)
	}
	w.put(ffmpeg(110, 101))
	i := only(t, w.pass())
	assert.Equal(t, map[process.Role][]int{process.RoleService: {100}, process.RoleWorker: {101, 102}, process.RoleFFmpeg: {110}}, pids(i))
	w.remove(100)
	assert.False(t, only(t, w.pass()).Up(), "workers that are left are not the service")
}

// TestWorkersThatEnd: how each ended is counted, so that a service whose workers crash again and
// again is seen although it lives. It is no event of its own.
func TestWorkersThatEnd(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/app", "3.8.1")
	w.put(pythonIn(100, "/app", "python service.py"))
	w.pass()
	for n, status := range []int{code, int(unix.SIGSEGV), int(unix.SIGKILL), 0, int(unix.SIGTERM)} {
		p := pythonIn(101+n, "/app", "python service.py --worker")
		p.PPID, p.StartTicks = 100, 300_500+uint64(n)
		w.put(p)
		require.Equal(t, []int{p.PID}, pids(only(t, w.pass()))[process.RoleWorker])
		require.Empty(t, w.end(p, status).Changes)
	}
	i := only(t, w.pass())
	assert.True(t, i.Up())
	assert.Empty(t, i.Ended, "a worker is not missed")
	assert.Equal(t, map[process.ExitReason]uint64{
		process.ExitFailed: 1, process.ExitCrashed: 1, process.ExitKilled: 1, process.ExitCompleted: 1, process.ExitTerminated: 1,
	}, usageOf(t, i, process.RoleWorker).Exits)
}

// TestAPoolOfWorkers: of a service that starts as many as it likes, some are waited for.
func TestAPoolOfWorkers(t *testing.T) {
	w := newHarness(t, process.Settings{})
	w.checkout("/app", "3.8.1")
	w.put(pythonIn(100, "/app", "python service.py"))
	for n := range 100 {
		p := pythonIn(101+n, "/app", "python service.py --worker")
		p.PPID, p.StartTicks = 100, 300_500+uint64(n)
		w.put(p)
	}
	require.Len(t, pids(only(t, w.pass()))[process.RoleWorker], 100)
	for n := range 100 {
		p := pythonIn(101+n, "/app", "python service.py --worker")
		p.PPID, p.StartTicks, p.State, p.ExitCode = 100, 300_500+uint64(n), "Z", code
		w.put(p)
	}
	assert.Equal(t, map[process.ExitReason]uint64{process.ExitFailed: 32}, usageOf(t, only(t, w.pass()), process.RoleWorker).Exits)
}

func BenchmarkPassWithPythons(b *testing.B) {
	w := newHarness(b, process.Settings{})
	for n := range 5000 {
		line := fmt.Sprintf("/usr/bin/program%d --flag", n)
		if n%10 == 0 {
			line = fmt.Sprintf("python3 /srv/app%d/main.py", n)
		}
		p := proctest.ProcEntry{PID: 1000 + n, PPID: 1, Argv: words(line), Cwd: "/", StartTicks: 1000}
		w.put(p)
	}
	w.pass()
	for b.Loop() {
		w.pass()
	}
}
