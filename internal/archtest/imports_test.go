package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const module = "github.com/otelcol-facefusion/otelcol-facefusion/"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// importRule forbids an import to some packages, and says why. Paths are prefixes, whole
// ones with a "$" at their end; those of packages are relative to the module.
type importRule struct {
	packages  []string // that it speaks of
	except    []string // of those
	forbidden []string // imports
	reason    string
}

// named are the packages that rules speak of.
var named = []string{
	"internal/gpu", "internal/gpu/xid", "internal/gpu/pci", "internal/gpu/nvmldriver", "internal/gpu/fakenvml", "internal/gpu/gputest", "internal/process", "internal/process/proctest", "internal/container",
	"internal/webui", "internal/jobqueue", "internal/jobqueue/jobsdir", "internal/jobqueue/jobfile", "internal/logstream", "internal/logstream/logtest",
	"internal/dirent", "internal/hostfs", "internal/hostnet", "internal/snapshots", "internal/runlog", "internal/recordlog", "internal/histogram", "simulator", "receiver/facefusionreceiver",
	"receiver/facefusionreceiver/internal/gpuprobe", "receiver/facefusionreceiver/internal/jobprobe", "receiver/facefusionreceiver/internal/logprobe",
	"receiver/facefusionreceiver/internal/processprobe", "receiver/facefusionreceiver/internal/webprobe",
	"receiver/facefusionreceiver/internal/delivery", "receiver/facefusionreceiver/internal/outbox", "receiver/facefusionreceiver/internal/checkpoint",
	"receiver/facefusionreceiver/internal/staleness", "receiver/facefusionreceiver/internal/trigger", "processor/facefusionlogprocessor",
}

// probePackages are those of the single probes.
var probePackages = []string{
	module + "receiver/facefusionreceiver/internal/gpuprobe", module + "receiver/facefusionreceiver/internal/jobprobe", module + "receiver/facefusionreceiver/internal/logprobe",
	module + "receiver/facefusionreceiver/internal/processprobe", module + "receiver/facefusionreceiver/internal/webprobe",
}

var rules = []importRule{
	{
		packages:  []string{"internal/"},
		forbidden: []string{"go.opentelemetry.io/collector", "go.opentelemetry.io/otel", "go.uber.org/zap", module + "receiver/"},
		reason:    "the domain knows nothing of the Collector: it returns, and receiver/ translates",
	},
	{
		packages:  []string{""},
		except:    []string{"internal/gpu/nvmldriver"},
		forbidden: []string{"github.com/NVIDIA/go-nvml"},
		reason:    "go-nvml needs cgo, and a call to a symbol that the driver lacks ends the process: only nvmldriver guards against it",
	},
	{
		packages:  []string{""},
		except:    []string{"internal/process"},
		forbidden: []string{"github.com/prometheus/procfs"},
		reason:    "/proc is read by internal/process alone",
	},
	{
		packages:  []string{""},
		except:    []string{"internal/jobqueue"},
		forbidden: []string{"github.com/fsnotify/fsnotify"},
		reason:    "inotify is a hint for the job queue, which knows what a hint is worth",
	},
	{
		packages:  []string{"internal/gpu"},
		forbidden: []string{module + "internal/process", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "the domains do not know each other: they meet in internal/snapshots",
	},
	{
		packages:  []string{"internal/process"},
		forbidden: []string{module + "internal/gpu", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "the domains do not know each other: they meet in internal/snapshots",
	},
	{
		packages:  []string{"internal/webui"},
		forbidden: []string{module + "internal/gpu", module + "internal/process", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "the domains do not know each other: they meet in internal/snapshots",
	},
	{
		packages:  []string{"internal/jobqueue"},
		forbidden: []string{module + "internal/gpu", module + "internal/process", module + "internal/webui", module + "internal/snapshots"},
		reason:    "the domains do not know each other: they meet in internal/snapshots",
	},
	{
		packages:  []string{"internal/logstream"},
		forbidden: []string{module + "internal/gpu", module + "internal/process", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "the domains do not know each other: they meet in internal/snapshots",
	},
	{
		packages:  []string{"internal/runlog"},
		forbidden: []string{module + "internal/gpu", module + "internal/process", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "it is between the receiver and the processor, which may not know the domains",
	},
	{
		packages:  []string{"internal/gpu/xid", "internal/gpu/pci"},
		forbidden: []string{module + "internal/gpu/nvmldriver", module + "internal/gpu$"},
		reason:    "the sampler uses them: what they need of it they are given",
	},
	{
		packages:  []string{"internal/jobqueue/jobsdir"},
		forbidden: []string{module + "internal/jobqueue/jobfile", module + "internal/jobqueue$", module + "internal/histogram"},
		reason:    "it knows folders, names and bytes, and not what they mean",
	},
	{
		packages:  []string{"internal/jobqueue/jobfile"},
		forbidden: []string{module + "internal/", "os", "golang.org/x/sys"},
		reason:    "it knows what a job file says, and not the disk",
	},
	{
		packages:  []string{"internal/snapshots"},
		forbidden: []string{module + "internal/jobqueue", module + "internal/gpu"},
		reason:    "it holds only what one probe reads of another",
	},
	{
		packages:  []string{"receiver/facefusionreceiver/internal/processprobe"},
		forbidden: []string{module + "internal/gpu", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots", module + "receiver/facefusionreceiver/internal/jobprobe"},
		reason:    "processes are known before all else: the other probes read what it publishes",
	},
	{
		packages:  []string{"receiver/facefusionreceiver/internal/gpuprobe"},
		forbidden: []string{module + "internal/webui", module + "internal/jobqueue"},
		reason:    "a probe reads of another what internal/snapshots holds, and no more",
	},
	{
		packages:  []string{"receiver/facefusionreceiver/internal/webprobe", "receiver/facefusionreceiver/internal/logprobe"},
		forbidden: []string{module + "internal/gpu", module + "internal/jobqueue"},
		reason:    "a probe reads of another what internal/snapshots holds, and no more",
	},
	{
		packages:  []string{"receiver/facefusionreceiver/internal/jobprobe"},
		forbidden: []string{module + "internal/gpu"},
		reason:    "a probe reads of another what internal/snapshots holds, and no more",
	},
	{
		packages:  []string{"receiver/facefusionreceiver/internal/"},
		forbidden: probePackages,
		reason:    "probes do not know each other, and what carries them knows none",
	},
	{
		packages: []string{
			"receiver/facefusionreceiver/internal/delivery", "receiver/facefusionreceiver/internal/outbox", "receiver/facefusionreceiver/internal/checkpoint",
			"receiver/facefusionreceiver/internal/staleness", "receiver/facefusionreceiver/internal/trigger",
		},
		forbidden: []string{module + "internal/"},
		reason:    "they carry, and do not know what",
	},
	{
		packages:  []string{"processor/"},
		forbidden: []string{module + "receiver/", module + "internal/gpu", module + "internal/process", module + "internal/webui", module + "internal/jobqueue", module + "internal/snapshots"},
		reason:    "the processor meets the receiver in internal/runlog",
	},
	{
		packages:  []string{"internal/", "receiver/"},
		except:    []string{"internal/gpu/fakenvml"},
		forbidden: []string{"os/exec"},
		reason:    "a collector that forks for a measurement costs more than what it measures",
	},
	{
		packages:  []string{"internal/", "receiver/"},
		forbidden: []string{module + "internal/gpu/gputest", module + "internal/gpu/fakenvml", module + "internal/process/proctest", module + "internal/logstream/logtest", module + "simulator"},
		reason:    "what is made for tests has no place in the collector",
	},
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rules {
			if !hasPrefix(path, r.packages) || hasPrefix(path, r.except) {
				continue
			}
			for _, imported := range p.Imports {
				if hasPrefix(imported, r.forbidden) {
					t.Errorf("%s imports %s: %s", path, imported, r.reason)
				}
			}
		}
	}
}

// TestRulesSpeakOfPackagesThatExist keeps a renamed package from escaping its rule.
func TestRulesSpeakOfPackagesThatExist(t *testing.T) {
	packages := list(t)
	for _, path := range named {
		found := false
		for _, p := range packages {
			found = found || p.ImportPath == module+path
		}
		require.True(t, found, "%s is named by a rule and does not exist", path)
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

// list asks the go command for every package of the module and what it imports, its tests left out.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	var packages []listed
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

func hasPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s+"$", prefix) {
			return true
		}
	}
	return false
}
