package hostile

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// plain is a line of the agent's log.
var plain = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARN|ERROR) \S`)

// TestTheLogOfADay: a healthy start is few lines, two of which say where the page is, and what was
// found and where it listens; what is lost is said once. No line has a place in the code, a stack,
// or what is the same on each.
func TestTheLogOfADay(t *testing.T) {
	path := filepath.Join(openFolder(t), "facefusion")
	checkout(t, path, "3.8.1", 0)
	server := listeningOf(t, 0, path, true)
	c := start(t)
	said := func(what string, times int) {
		require.Eventually(t, func() bool { return count(c.log.String(), what) == times }, 20*time.Second, 50*time.Millisecond, "%s: %s", what, c.log)
	}
	said("FaceFusion found", 1)
	said("the page of metrics is ready url="+c.metrics, 1)
	c.eventually(t, 20*time.Second, "it is ready", func(p page) bool {
		return p.is(1, "facefusion_server_state", "facefusion_server_state", "ready")
	})
	time.Sleep(3 * time.Second)
	text := c.log.String()
	t.Log(text)
	require.Regexp(t, `FaceFusion found instance=facefusion-\w+ pid=\d+ port=\d+ role=server rule=script version=3\.8\.1`, text)
	require.LessOrEqual(t, strings.Count(text, "\n"), 8, "a healthy start")
	require.NoError(t, server.Process.Kill())
	said("FaceFusion lost", 1)
	listeningOf(t, 0, path, true)
	said("FaceFusion found", 2)
	c.terminate(t)
	for l := range strings.Lines(c.log.String()) {
		require.Regexp(t, plain, l)
		require.NotRegexp(t, `\.go:\d+|goroutine|service\.instance\.id`, l)
	}
}

// TestTheLogOfAServiceThatRestartsEachSecond does not grow with it.
func TestTheLogOfAServiceThatRestartsEachSecond(t *testing.T) {
	path := filepath.Join(openFolder(t), "facefusion")
	checkout(t, path, "3.8.1", 0)
	c := start(t)
	c.waitReady(t)
	for range 8 {
		server := listeningOf(t, 0, path, true)
		c.eventually(t, 10*time.Second, "it is there", up(1))
		time.Sleep(1500 * time.Millisecond) // it is looked at, and its port is found
		require.NoError(t, server.Process.Kill())
		c.eventually(t, 10*time.Second, "it is gone", up(0))
	}
	time.Sleep(1500 * time.Millisecond)
	require.LessOrEqual(t, count(c.log.String(), "FaceFusion found"), 4, c.log)
	require.Equal(t, 3, count(c.log.String(), "FaceFusion lost"), c.log)
	require.Equal(t, 1, count(c.log.String(), "found and lost again and again"), c.log)
}

// TestNoPasswordInTheLog: the address of a store has one, and so have a health check and a proxy.
// Everything fails, at the level at which most is said.
func TestNoPasswordInTheLog(t *testing.T) {
	path := filepath.Join(openFolder(t), "facefusion")
	checkout(t, path, "3.8.1", 0)
	listeningOf(t, 0, path, false)
	env := []string{
		"STATE_DIRECTORY=" + filepath.Join(openFolder(t), "state"), "OTLP_ENDPOINT=http://user:geheim@127.0.0.1:1",
		"OTLP_HEADERS={authorization: Bearer geheim0123456789}",
		"REMOTE_WRITE_ENDPOINT=http://user:geheim@127.0.0.1:1/write", "REMOTE_WRITE_USERNAME=user", "REMOTE_WRITE_PASSWORD=geheim",
	}
	c := startWith(t, []string{"all-signals.yaml", "remote-write.yaml"}, env, fast, `
receivers: {facefusion: {instances: [{name: studio, endpoint: "http://127.0.0.1:1"}], web: {headers: {authorization: "Bearer geheim0123456789"}, proxy_url: "http://user:geheim@127.0.0.1:1"}}}
service: {extensions: [health_check, state_storage, basicauth/remote_write], telemetry: {logs: {level: debug}}}
`)
	require.Eventually(t, func() bool { return strings.Contains(c.log.String(), "127.0.0.1:1") }, 30*time.Second, 50*time.Millisecond, c.log)
	time.Sleep(5 * time.Second)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-c.ended:
	case <-time.After(5 * time.Second): // the remote write tries again for half a minute
	}
	require.NotContains(t, c.log.String(), "geheim")
	require.NotContains(t, c.log.String(), "Z2VoZWlt", "in base64")
}

// TestPrioritiesForTheJournal: systemd takes them off where it reads standard error, and only
// there.
func TestPrioritiesForTheJournal(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	var st syscall.Stat_t
	require.NoError(t, syscall.Fstat(int(write.Fd()), &st))
	ports := freePorts(t, 3)
	file := filepath.Join(t.TempDir(), "listeners.yaml")
	require.NoError(t, os.WriteFile(file, []byte(listeners(ports)), 0o600))
	cmd := exec.Command(binary, "--config", agentConfig, "--config", file)
	cmd.Stderr, cmd.Env = write, append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino))
	require.NoError(t, cmd.Start())
	write.Close()
	require.Eventually(t, func() bool {
		// The health check answers before the Collector listens to signals, the page after that.
		text, err := fetch(fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[0]))
		return err == nil && strings.Contains(text, "facefusion")
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	text, err := io.ReadAll(read)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	require.NotEmpty(t, text)
	for l := range strings.Lines(string(text)) {
		require.Regexp(t, `^<[2-7]>\S`, l)
	}
}

// TestValidateNamesFileAndLine of what the Collector alone refuses without a word about where, or
// only when it starts.
func TestValidateNamesFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"receivers:\n\tfacefusion:\n":                                                         ":2: is indented by a tab",
		"facefusion:\n  web: {}\n":                                                            ":1: facefusion is no section",
		"receivers:\n  facefusion:\n    web:\n      intervall: 1s\n":                          ":4: receivers: facefusion: web: intervall is no setting: write interval",
		"receivers:\n  facefusion:\n    collection_interval: 15\n":                            ":3: receivers: facefusion: collection_interval is 15ns",
		"receivers:\n  facefusion:\n    storage: file_storage/gone\n":                         ":3: receivers: facefusion: storage: there is no extension",
		"extensions: {file_storage: {}}\nreceivers:\n  facefusion: {storage: file_storage}\n": ":3: receivers: facefusion: storage: the extension \"file_storage\" is not started",
		"receivers:\n  facefusion: {storage: health_check}\n":                                 ":2: receivers: facefusion: storage: the extension \"health_check\" is no storage",
		"exporters:\n  prometheus:\n    auth: {authenticator: basicauth}\n":                   ":3: exporters: prometheus: auth: authenticator: there is no extension",
		"exporters:\n  prometheus:\n    tls: {cert_file: /nowhere/a, key_file: /nowhere/b}\n": ":3: exporters: prometheus: tls: cert_file: there is no file",
		"extensions:\n  health_check:\n    endpoint: 127.0.0.1:9464\n":                        ":3: extensions: health_check: endpoint: 127.0.0.1:9464 is that of exporters::prometheus::endpoint as well",
	} {
		file := filepath.Join(t.TempDir(), "mine.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		out, err := exec.Command(binary, "validate", "--config", agentConfig, "--config", file).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), file+want)
	}
	out, err := exec.Command(binary, "validate", "--config", agentConfig, "--set", "receivers.facefusion.process.interval=1ms").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "the command line (--set, yaml:): receivers: facefusion: process: interval is 1ms")
}

// TestAPortThatIsTaken: the Collector starts all of its parts or none. The last line says which one
// and where, in one line and without a stack.
func TestAPortThatIsTaken(t *testing.T) {
	const own = "service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %s}}}}]}}}"
	for _, part := range []struct {
		name, text string
		files      []string
	}{
		{name: "page", text: "exporters: {prometheus: {endpoint: \"127.0.0.1:%s\"}}"},
		{name: "health check", text: "extensions: {health_check: {endpoint: \"127.0.0.1:%s\"}}"},
		{name: "page about itself", text: own},
		{name: "OTLP over gRPC", text: "receivers: {otlp: {protocols: {grpc: {endpoint: \"127.0.0.1:%s\"}}}}", files: []string{"otlp.yaml"}},
		{name: "OTLP over HTTP", text: "receivers: {otlp: {protocols: {http: {endpoint: \"127.0.0.1:%s\"}}}}", files: []string{"otlp.yaml"}},
	} {
		t.Run(part.name, func(t *testing.T) {
			taken := strconv.Itoa(freePorts(t, 1)[0])
			server := &http.Server{Addr: "127.0.0.1:" + taken, ReadHeaderTimeout: time.Second}
			defer server.Close()
			go func() { _ = server.ListenAndServe() }()
			time.Sleep(100 * time.Millisecond)
			c := launch(t, part.files, nil, fmt.Sprintf(part.text, taken))
			select {
			case <-c.ended:
			case <-time.After(20 * time.Second):
				require.FailNow(t, "it runs", c.log.String())
			}
			require.NotZero(t, c.cmd.ProcessState.ExitCode())
			lines := strings.Split(strings.TrimSpace(c.log.String()), "\n")
			last := lines[len(lines)-1]
			require.Contains(t, last, taken)
			require.Contains(t, last, "address already in use")
			require.NotContains(t, c.log.String(), "goroutine")
		})
	}
}
