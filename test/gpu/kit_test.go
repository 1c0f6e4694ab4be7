//go:build linux && cgo && e2e

package main

import (
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/fakenvml"
)

// kitFolder is what "make gpu-kit" made.
const kitFolder = "../../dist/gpu-kit"

// sysroot has the C library that the kit is linked with: glibc 2.31.
const sysroot = "../../.cache/sysroot"

// copyLibraries puts what a program is linked with into a root.
func copyLibraries(t *testing.T, program, root string) {
	t.Helper()
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	needed, err := file.ImportedLibraries()
	require.NoError(t, err)
	if len(needed) == 0 {
		return // static
	}
	for _, name := range append(needed, "ld-linux-x86-64.so.2", "libc.so.6") {
		require.Regexp(t, `^(libc|libdl|libpthread|libresolv|ld-linux-x86-64)\.so\.`, name, "%s needs a C library and nothing else", program)
		data, err := os.ReadFile(filepath.Join(sysroot, "lib/x86_64-linux-gnu", name))
		require.NoError(t, err, "make gpu-kit has made it")
		folder := filepath.Join(root, "lib/x86_64-linux-gnu")
		if strings.HasPrefix(name, "ld-") {
			folder = filepath.Join(root, "lib64")
		}
		require.NoError(t, os.MkdirAll(folder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o755))
	}
}

// linkerFlags are those that gcc links the kit with.
func linkerFlags(t *testing.T) []string {
	t.Helper()
	flags, err := exec.Command("sh", "-c", `eval set -- $(../../.ci/sysroot.sh) && echo "$2"`).Output()
	require.NoError(t, err)
	return strings.Fields(string(flags))
}

// bareRoot is a root that has the C library of 2020 and the kit, the fake driver's library where a
// driver puts its own, and a fake nvidia-smi: no shell, no Python, no compiler, no /proc.
func bareRoot(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, folder := range []string{"tmp", "bin", "usr/lib/x86_64-linux-gnu"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, folder), 0o755))
	}
	// Every container has it.
	require.NoError(t, os.Mkdir(filepath.Join(root, "dev"), 0o755))
	require.NoError(t, unix.Mknod(filepath.Join(root, "dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	require.NoError(t, os.CopyFS(filepath.Join(root, "kit"), os.DirFS(kitFolder)))
	for _, program := range []string{"gpu-kit", "otelcol-facefusion", "simulator"} {
		copyLibraries(t, filepath.Join(kitFolder, program), root)
	}
	_, err := fakenvml.BuildLinked(filepath.Join(root, "usr/lib/x86_64-linux-gnu"), linkerFlags(t))
	require.NoError(t, err)
	build := exec.Command("go", "build", "-o", filepath.Join(root, "bin/nvidia-smi"), "./fakesmi")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return root
}

// spendEnergy has the counters of energy follow the power, until the test ends.
func spendEnergy(t *testing.T, control fakenvml.Control, more ...string) {
	t.Helper()
	begin := time.Now()
	whileTesting(t, func() error {
		return control.Set(append(energySpent(time.Since(begin)), more...)...)
	})
}

// energySpent are the counters of energy after some time, as lines of the control file.
func energySpent(after time.Duration) []string {
	seconds := after.Seconds()
	return []string{fmt.Sprintf("gpu.0.energy %d", 5_000_001+int(150_001*seconds)), fmt.Sprintf("gpu.1.energy %d", 5_000_002+int(150_002*seconds))}
}

// whileTesting does something at once, and again and again until the test ends.
func whileTesting(t *testing.T, set func() error) {
	t.Helper()
	require.NoError(t, set())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := set(); err != nil {
				ended <- err
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		ended <- nil
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// quick are the options of a short run. A call into the fake library reads a file.
var quick = []string{"-beside", "3s", "-energy", "6s", "-rounds", "2", "-cycle", "2s"}

func readReport(t *testing.T, folder string) (r kitReport) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "gpu-kit.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// TestKitInABareRoot runs the folder, copied, where there is a C library and nothing else.
func TestKitInABareRoot(t *testing.T) {
	t.Parallel()
	root := bareRoot(t)
	spendEnergy(t, fakenvml.Control(filepath.Join(root, "control")), "gpu.1.mig 2")
	writeFile(t, filepath.Join(root, "smi.json"), newFakeGPU(0), newFakeGPU(1).divide(1))
	cmd := exec.Command("/kit/gpu-kit", append([]string{"-collector", "/kit/otelcol-facefusion", "-out", "/result"}, quick...)...)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root}
	cmd.Env = []string{"PATH=/bin", "FAKENVML_CONTROL=/control", "FAKESMI=/smi.json"}
	out, err := cmd.CombinedOutput()
	log, _ := os.ReadFile(filepath.Join(root, "result/collector.log"))
	require.NoError(t, err, "%s\n%s", out, log)
	require.Contains(t, string(out), "PASSED")
	r := readReport(t, filepath.Join(root, "result"))
	require.True(t, r.Passed)
	require.Equal(t, "999.42.01", r.Driver)
	require.Len(t, r.Devices, 2)
	// Of the divided GPU, the page has the processes at its MIG devices.
	require.Equal(t, 2*len(figures)-4-1+2*len(migFigures), count(r.Parity, equal))
	require.Greater(t, len(r.Calls), 100)
	outcomes := make(map[string]checkOutcome)
	for _, c := range r.Checks {
		outcomes[strings.Fields(c.Name)[0]] = c.Outcome
	}
	require.Equal(t, map[string]checkOutcome{"calls": passed, "parity": passed, "energy": passed, "cycles": passed, "load": skipped}, outcomes, "%s", out)
}

// TestKitFailsWhenAFigureIsAltered over its script, from the first call to the exit status.
func TestKitFailsWhenAFigureIsAltered(t *testing.T) {
	t.Parallel()
	root := bareRoot(t)
	control := filepath.Join(root, "control")
	// the energy stands still, which is another fault
	require.NoError(t, fakenvml.Control(control).Set())
	altered := newFakeGPU(1)
	altered.fields["pcie.link.gen.max"] = "5"
	smi := filepath.Join(root, "smi.json")
	writeFile(t, smi, newFakeGPU(0), altered)
	cmd := exec.Command("sh", append([]string{filepath.Join(root, "kit/run.sh"), filepath.Join(root, "result"), "-smi", filepath.Join(root, "bin/nvidia-smi"),
		"-library", filepath.Join(root, "usr/lib/x86_64-linux-gnu", fakenvml.Name), "-load=false"}, append(quick, "-cycle", "1us")...)...)
	cmd.Env = append(os.Environ(), "FAKENVML_CONTROL="+control, "FAKESMI="+smi)
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	r := readReport(t, filepath.Join(root, "result"))
	require.False(t, r.Passed)
	different := verdicts(r.Parity, differs)
	require.Len(t, different, 1, "%s", out)
	require.Equal(t, comparison{GPU: altered.fields["uuid"], Metric: "nvidia_gpu_pcie_link_generation_max", Source: "pcie.link.gen.max", Theirs: "5", Ours: "4", Unit: 1, Exact: true, Verdict: differs}, different[0])
	for _, c := range r.Checks {
		if strings.HasPrefix(c.Name, "energy") || c.Name == "cycles" {
			require.Equal(t, failed, c.Outcome, "%s", c.Name)
		}
	}
}

// writeFile is the file of fakesmi.
func writeFile(t *testing.T, path string, gpus ...fakeGPU) {
	t.Helper()
	require.NoError(t, writeSMI(path, nil, gpus...))
}

// writeSMI is the same with lines of --query-compute-apps.
func writeSMI(path string, processes []string, gpus ...fakeGPU) error {
	said := struct {
		GPUs      []map[string]string
		XML, List string
		Processes []string
	}{Processes: processes, XML: "<?xml version=\"1.0\" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM \"nvsmi_device_v12.dtd\">\n<nvidia_smi_log>\n<attached_gpus>2</attached_gpus>\n"}
	for _, g := range gpus {
		said.GPUs, said.List = append(said.GPUs, g.fields), said.List+g.list()
		x := g.xml
		said.XML += fmt.Sprintf(`<gpu id="%s"><uuid>%s</uuid>
<pci><replay_counter>%s</replay_counter></pci>
<temperature><gpu_temp_max_threshold>%s</gpu_temp_max_threshold><gpu_temp_slow_threshold>%s</gpu_temp_slow_threshold>
<gpu_temp_max_mem_threshold>%s</gpu_temp_max_mem_threshold><gpu_temp_max_gpu_threshold>%s</gpu_temp_max_gpu_threshold></temperature>
<max_clocks><video_clock>%s</video_clock></max_clocks>
<bar1_memory_usage><total>%s</total><used>%s</used></bar1_memory_usage>
<remapped_rows><remapped_row_corr>%s</remapped_row_corr><remapped_row_unc>%s</remapped_row_unc>
<remapped_row_pending>%s</remapped_row_pending><remapped_row_failure>%s</remapped_row_failure></remapped_rows>
<mig_devices>%s</mig_devices>
<processes></processes></gpu>
`, g.fields["pci.bus_id"], g.fields["uuid"], x["/pci/replay_counter"],
			x["/temperature/gpu_temp_max_threshold"], x["/temperature/gpu_temp_slow_threshold"], x["/temperature/gpu_temp_max_mem_threshold"], x["/temperature/gpu_temp_max_gpu_threshold"],
			x["/max_clocks/video_clock"], x["/bar1_memory_usage/total"], x["/bar1_memory_usage/used"], x["/remapped_rows/remapped_row_corr"], x["/remapped_rows/remapped_row_unc"],
			x["/remapped_rows/remapped_row_pending"], x["/remapped_rows/remapped_row_failure"], g.migXML())
	}
	said.XML += "</nvidia_smi_log>\n"
	data, err := json.Marshal(said)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".next", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".next", path)
}
