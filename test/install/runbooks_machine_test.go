//go:build runbooks

package install

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runbookPrograms are what the machine and the containers run, by where they are there.
var runbookPrograms = map[string]string{
	"/usr/bin/otelcol-facefusion": "../../bin/otelcol-facefusion",
	"/usr/bin/prometheus":         "../../.cache/prometheus/prometheus",
	"/usr/bin/promtool":           "../../.cache/prometheus/promtool",
	"/usr/bin/alertmanager":       "../../.cache/prometheus/alertmanager",
	"/usr/bin/amtool":             "../../.cache/prometheus/amtool",
}

// runbookFiles are the configurations.
var runbookFiles = map[string]string{
	"/etc/otelcol-facefusion/agent.yaml":             "../../config/agent.yaml",
	"/usr/lib/sysusers.d/otelcol-facefusion.conf":    "../../deploy/systemd/sysusers.conf",
	"/etc/systemd/system/otelcol-facefusion.service": "../../deploy/systemd/otelcol-facefusion.service",
}

// runbookTexts are those that the programs need and the repository has not.
var runbookTexts = map[string]string{
	"/etc/prometheus/prometheus.yml":     "rule_files: [rules/*.yml, rules/alerts/*.yml]\n",
	"/etc/alertmanager/alertmanager.yml": "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
	"/etc/sysusers.d/facefusion.conf":    "u facefusion - FaceFusion /opt/facefusion\n",
	"/etc/hosts":                         "127.0.0.1 localhost gpu-host-1 studio.example.com\n",
	"/etc/systemd/system/facefusion.service": `[Service]
User=facefusion
WorkingDirectory=/opt/facefusion
ExecStartPre=/bin/echo FaceFusion 3 starts
ExecStart=/opt/facefusion/.venv/bin/python serve.py
MemoryMax=20G
[Install]
WantedBy=multi-user.target
`,
	"/etc/systemd/system/prometheus.service": `[Service]
ExecStart=/usr/bin/prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/var/lib/prometheus --web.listen-address=127.0.0.1:9090
ExecReload=/bin/kill -HUP $MAINPID
StateDirectory=prometheus
`,
	"/etc/systemd/system/alertmanager.service": `[Service]
ExecStart=/usr/bin/alertmanager --config.file=/etc/alertmanager/alertmanager.yml --storage.path=/var/lib/alertmanager --web.listen-address=127.0.0.1:9093 --cluster.listen-address=
ExecReload=/bin/kill -HUP $MAINPID
StateDirectory=alertmanager
`,
	"/etc/systemd/system/tls.service": `[Service]
ExecStartPre=/usr/bin/openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=studio.example.com -days 7 -keyout /run/key.pem -out /run/certificate.pem
ExecStart=/usr/bin/openssl s_server -accept 443 -key /run/key.pem -cert /run/certificate.pem -quiet
`,
}

// furnish puts everything into a root of files.
func furnish(t *testing.T, root, checkout, python string) {
	t.Helper()
	place := func(path string, text []byte, mode os.FileMode) {
		file := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, text, mode))
	}
	for _, from := range []map[string]string{runbookPrograms, runbookFiles} {
		for path, source := range from {
			text, err := os.ReadFile(source)
			require.NoError(t, err)
			place(path, text, 0o755)
		}
	}
	for path, text := range runbookTexts {
		place(path, []byte(text), 0o644)
	}
	require.NoError(t, os.CopyFS(filepath.Join(root, "etc/prometheus/rules"), os.DirFS("../../deploy/prometheus/rules")))
	// FaceFusion looks whether they are there before anything else.
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		place("/usr/local/bin/"+program, []byte("#!/bin/sh\nexit 1\n"), 0o755)
	}
	place("/usr/local/bin/python", []byte("#!/bin/sh\nexec "+python+" \"$@\"\n"), 0o755)
	faceFusionFolder(t, filepath.Join(root, "opt/facefusion"), checkout, python)
	// What FaceFusion's user has to come to, wherever its Python is.
	require.NoError(t, os.Chmod(filepath.Join(root, "root"), 0o755))
}

// runbookMachine is a booted machine on which everything is a unit.
func runbookMachine(t *testing.T) *bootedMachine {
	t.Helper()
	checkout, python, folders := realFaceFusion(t)
	m := bootSystem(t, runbookSystem, "../../config", folders, func(m *bootedMachine) { furnish(t, m.root, checkout, python) })
	m.run(t, "systemd-sysusers && chown -R facefusion: /opt/facefusion && systemctl daemon-reload && "+
		"systemctl start facefusion otelcol-facefusion prometheus alertmanager tls")
	require.Eventually(t, func() bool {
		return m.get("http://127.0.0.1:7860/") != "" && m.get("http://127.0.0.1:13133/") != "" && m.get("http://127.0.0.1:9093/-/ready") != ""
	}, patience, 200*time.Millisecond, "everything runs")
	return m
}

// dockerHost has the docker command, against containers of what the machine has as units.
type dockerHost struct{ socket string }

// runbookImage is the name of the image of all containers.
const runbookImage = "127.0.0.1/runbooks"

func runbookContainers(t *testing.T) *dockerHost {
	t.Helper()
	checkout, python, folders := realFaceFusion(t)
	d := &dockerHost{socket: filepath.Join(t.TempDir(), "docker.sock")}
	service := exec.Command("podman", "system", "service", "--time=0", "unix://"+d.socket)
	service.Stdout, service.Stderr = io.Discard, io.Discard
	require.NoError(t, service.Start())
	t.Cleanup(func() {
		_ = service.Process.Kill()
		_ = service.Wait() // it was killed
	})
	require.Eventually(t, func() bool { return exec.Command("test", "-S", d.socket).Run() == nil }, patience, 100*time.Millisecond)

	root, archive := filepath.Join(t.TempDir(), "root"), filepath.Join(t.TempDir(), "image.tar")
	do := func(arguments ...string) {
		output, err := exec.Command(arguments[0], arguments[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	do("cp", "--archive", runbookSystem, root)
	furnish(t, root, checkout, python)
	do("tar", "--create", "--file="+archive, "--directory="+root, "--exclude=./dev/*", ".")
	d.run(t, "docker import "+archive+" "+runbookImage)
	t.Cleanup(func() { d.run(t, "docker image rm --force "+runbookImage) })
	binds := ""
	for _, folder := range folders {
		binds += " --volume " + folder + ":" + folder + ":ro"
	}
	for name, command := range map[string]string{
		"facefusion":         "--network none --workdir /opt/facefusion --memory 20g" + binds + " " + runbookImage + " python serve.py",
		"otelcol-facefusion": "--network host --pid host --cap-add SYS_PTRACE " + runbookImage + " sh -c 'mkdir -p /var/lib/otelcol-facefusion && exec otelcol-facefusion --config /etc/otelcol-facefusion/agent.yaml'",
		"prometheus":         "--network none " + runbookImage + " sh -c 'mkdir -p /prometheus && exec prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus'",
		"alertmanager":       "--network none " + runbookImage + " alertmanager --config.file=/etc/alertmanager/alertmanager.yml --storage.path=/tmp/alertmanager --cluster.listen-address=",
	} {
		d.run(t, "docker run --detach --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --name "+name+" "+command)
		t.Cleanup(func() { d.run(t, "docker rm --force "+name) })
	}
	require.Eventually(t, d.up, patience, 200*time.Millisecond, "everything runs")
	return d
}

// exec runs a block of commands on this machine.
func (d *dockerHost) exec(commands string) (string, error) {
	shell := exec.Command("bash", "-e", "-o", "pipefail", "-c", commands)
	shell.Env = append(os.Environ(), "DOCKER_HOST=unix://"+d.socket)
	output, err := shell.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

func (d *dockerHost) run(t *testing.T, command string) {
	t.Helper()
	output, err := d.exec(command)
	require.NoError(t, err, "%s\n%s", command, output)
}

// up reports whether all containers run.
func (d *dockerHost) up() bool {
	output, err := d.exec("docker ps --format '{{.Names}}'")
	return err == nil && len(strings.Fields(output)) == 4
}
