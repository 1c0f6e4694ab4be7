package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const stack = "../../deploy/stack"

// loadStack loads the stack as docker compose does: with its schema, merge rules and environment.
func loadStack(t *testing.T, files ...string) *types.Project {
	t.Helper()
	for i := range files {
		files[i] = filepath.Join(stack, files[i])
	}
	options, err := cli.NewProjectOptions(files, cli.WithEnv([]string{"STACK_HOST_NAME=gpu-7"}), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	project, err := options.LoadProject(context.Background())
	require.NoError(t, err)
	return project
}

func TestStackHasWhatItNeeds(t *testing.T) {
	project := loadStack(t, "compose.yaml")
	require.ElementsMatch(t, []string{"alertmanager", "collector", "grafana", "jaeger", "loki", "prometheus"}, project.ServiceNames())
	devices := project.Services["collector"].Deploy.Resources.Reservations.Devices
	require.Len(t, devices, 1)
	require.Equal(t, "nvidia", devices[0].Driver)
	require.Equal(t, types.DeviceCount(-1), devices[0].Count, "all")
	require.Equal(t, "host", project.Services["collector"].Pid)
	require.Equal(t, "gpu-7", *project.Services["collector"].Environment["HOST_NAME"])

	without := loadStack(t, "compose.yaml", "without-gpu.yaml").Services["collector"]
	require.Empty(t, without.Deploy.Resources.Reservations.Devices)
	require.NotNil(t, without.Deploy.Resources.Limits, "the rest is as it was")
}

// TestStackWantsAName: the stack does not start without a host name of its own.
func TestStackWantsAName(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(stack, "compose.yaml")})
	require.NoError(t, err)
	_, err = options.LoadProject(context.Background())
	require.ErrorContains(t, err, "up.sh")
}

// TestStackMounts: each mounted file is in the repository or is written by prepare.sh, and each
// mount is read-only but for the data of its own program.
func TestStackMounts(t *testing.T) {
	local := t.TempDir()
	output, err := exec.Command(filepath.Join(stack, "prepare.sh"), local).CombinedOutput()
	require.NoError(t, err, "%s", output)
	there := func(path string) string {
		if made, found := strings.CutPrefix(path, absolute(t, filepath.Join(stack, "local"))); found {
			return filepath.Join(local, made)
		}
		return path
	}
	project := loadStack(t, "compose.yaml")
	for name, service := range project.Services {
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", name)
		require.False(t, service.Privileged, name)
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				requireMounted(t, there(volume.Source))
				require.True(t, volume.ReadOnly, "%s may write to %s", name, volume.Source)
			}
		}
		for _, secret := range service.Secrets {
			require.FileExists(t, there(project.Secrets[secret.Source].File), name)
		}
	}
	password, err := os.ReadFile(filepath.Join(local, "secrets", "grafana-admin-password"))
	require.NoError(t, err)
	require.Greater(t, len(strings.TrimSpace(string(password))), 20)
	// A second run changes nothing.
	output, err = exec.Command(filepath.Join(stack, "prepare.sh"), local).CombinedOutput()
	require.NoError(t, err, "%s", output)
	again, err := os.ReadFile(filepath.Join(local, "secrets", "grafana-admin-password"))
	require.NoError(t, err)
	require.Equal(t, password, again)
}

// requireMounted requires a file or a folder with a file in it: Docker creates an empty folder for
// a missing source.
func requireMounted(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	if !info.IsDir() || path == "/" {
		return
	}
	files := 0
	require.NoError(t, filepath.WalkDir(path, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files++
		}
		return err
	}))
	require.NotZero(t, files, path)
}

// TestStackMatchesItsFiles: the files are mounted at the paths that the programs are configured
// with.
func TestStackMatchesItsFiles(t *testing.T) {
	project := loadStack(t, "compose.yaml")
	for name, service := range project.Services {
		targets := map[string]bool{}
		for _, volume := range service.Volumes {
			targets[volume.Target] = true
		}
		for _, argument := range service.Command {
			_, file, found := strings.Cut(argument, "--config")
			file = strings.TrimPrefix(strings.TrimPrefix(file, ".file"), "=")
			// What the image of the collector has of its own is in config/.
			if found && !targets[file] {
				require.FileExists(t, filepath.Join("../../config", filepath.Base(file)), "%s reads %s", name, file)
			}
		}
	}
	secrets := regexp.MustCompile(`/etc/alertmanager/secrets/[a-z-]+`)
	content, err := os.ReadFile("../../deploy/alertmanager/alertmanager.yml")
	require.NoError(t, err)
	var mounted []string
	for _, secret := range project.Services["alertmanager"].Secrets {
		mounted = append(mounted, secret.Target)
	}
	for _, wanted := range secrets.FindAllString(string(content), -1) {
		require.Contains(t, mounted, wanted)
	}
	// Grafana finds the dashboards where its provisioning says.
	provider, err := os.ReadFile("../../deploy/grafana/provisioning/dashboards/facefusion.yml")
	require.NoError(t, err)
	require.Contains(t, string(provider), "path: /etc/grafana/facefusion/dashboards")
}

// TestStackIsPinned: every image has a fixed version.
func TestStackIsPinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z/-]+:v?\d+\.\d+\.\d+$`)
	for name, service := range loadStack(t, "compose.yaml").Services {
		require.Regexp(t, pinned, service.Image, name)
	}
	content, err := os.ReadFile("../../deploy/container/Containerfile")
	require.NoError(t, err)
	bases := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(content), -1)
	require.Len(t, bases, 2)
	for _, base := range bases {
		require.Regexp(t, `^[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+$`, base[1])
	}
}

// TestStackListensOnLoopback: all containers share the host's network, so the configured listen
// addresses are the open ones.
func TestStackListensOnLoopback(t *testing.T) {
	project := loadStack(t, "compose.yaml")
	for name, service := range project.Services {
		require.Equal(t, "host", service.NetworkMode, name)
		require.Empty(t, service.Ports, name)
	}
	require.Contains(t, project.Services["prometheus"].Command, "--web.listen-address=127.0.0.1:9090")
	require.Contains(t, project.Services["alertmanager"].Command, "--web.listen-address=127.0.0.1:9093")
	require.Contains(t, project.Services["alertmanager"].Command, "--cluster.listen-address=")
	require.Equal(t, "127.0.0.1", *project.Services["grafana"].Environment["GF_SERVER_HTTP_ADDR"])
	var loki struct {
		Server struct {
			HTTP string `yaml:"http_listen_address"`
			GRPC string `yaml:"grpc_listen_address"`
		}
		Limits struct {
			Metadata bool `yaml:"allow_structured_metadata"`
		} `yaml:"limits_config"`
	}
	read(t, stack+"/loki.yaml", &loki)
	require.Equal(t, "127.0.0.1", loki.Server.HTTP)
	require.Equal(t, "127.0.0.1", loki.Server.GRPC)
	require.True(t, loki.Limits.Metadata, "the id of the trace, and of the job")
	// Of the Collectors, whatever is called an endpoint or a host.
	listens := regexp.MustCompile(`(?m)^\s+(?:endpoint|host): (.*)$`)
	for _, file := range []string{"../../config/agent.yaml", "../../config/all-signals.yaml", stack + "/collector.yaml", stack + "/jaeger.yaml"} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range listens.FindAllStringSubmatch(string(content), -1) {
			require.Contains(t, match[1], "127.0.0.1", file)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	require.NoError(t, err)
	return full
}
