package fakenvml

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Variant leaves out functions of the library that older drivers do not have.
type Variant string

// The variants. They may be combined.
const (
	WithoutInit         Variant = "NO_INIT"
	WithoutErrorString  Variant = "NO_ERROR_STRING"
	WithoutSystem       Variant = "NO_SYSTEM"
	WithoutIdentity     Variant = "NO_IDENTITY"
	WithoutUtilization  Variant = "NO_UTILIZATION"
	WithoutEncoder      Variant = "NO_ENCODER"
	WithoutDecoder      Variant = "NO_DECODER"
	WithoutSamples      Variant = "NO_SAMPLES"
	WithoutMemory       Variant = "NO_MEMORY"
	WithoutMemoryV2     Variant = "NO_MEMORY_V2"
	WithoutTemperature  Variant = "NO_TEMPERATURE"
	WithoutTemperatureV Variant = "NO_TEMPERATURE_V"
	WithoutPower        Variant = "NO_POWER"
	WithoutEnergy       Variant = "NO_ENERGY"
	WithoutJPEG         Variant = "NO_JPEG"
	// WithoutDetails has none of the functions for gpu.Details, except field values.
	WithoutDetails            Variant = "NO_DETAILS"
	WithoutEventReasons       Variant = "NO_EVENT_REASONS"
	WithoutFields             Variant = "NO_FIELDS"
	WithoutProcesses          Variant = "NO_PROCESSES"
	WithoutProcessesV3        Variant = "NO_PROCESSES_V3"
	WithoutProcessUtilization Variant = "NO_PROCESS_UTILIZATION"
	WithoutMIG                Variant = "NO_MIG"
	WithoutEvents             Variant = "NO_EVENTS"
	WithoutGPM                Variant = "NO_GPM"
	WithoutGPMFree            Variant = "NO_GPM_FREE"
	WithoutFanRPM             Variant = "NO_FAN_RPM"
	WithoutHandleByUUID       Variant = "NO_HANDLE_BY_UUID"
	// WithoutVersions has none of the functions whose names end in _v2 or _v3.
	WithoutVersions Variant = "NO_VERSIONS"
)

// Name is the library's name for the dynamic linker.
const Name = "libnvidia-ml.so.1"

// The environment variables that the library reads.
const (
	ControlEnv = "FAKENVML_CONTROL"
	LogEnv     = "FAKENVML_LOG"
)

// Build compiles the library into a folder, and returns the path of the file. It must be called in
// a folder of the module, and fails without gcc.
func Build(dir string, variants ...Variant) (string, error) {
	return BuildLinked(dir, nil, variants...)
}

// BuildLinked is Build with arguments for the linker, for example of another C library.
func BuildLinked(dir string, linker []string, variants ...Variant) (string, error) {
	header, err := list("-m", "github.com/NVIDIA/go-nvml")
	if err != nil {
		return "", err
	}
	module, err := list("-m", "github.com/otelcol-facefusion/otelcol-facefusion")
	if err != nil {
		return "", err
	}
	source := filepath.Join(module, "testdata", "nvml", "fakenvml.c")
	// Reading the source makes it an input of the test, so that the go command does not use a
	// cached result after a change.
	if _, err := os.Stat(source); err != nil {
		return "", fmt.Errorf("find source of fake driver library: %w", err)
	}
	path := filepath.Join(dir, Name)
	args := []string{
		// The header renames functions by macros unless this is defined.
		"-O2", "-w", "-fPIC", "-shared", "-DNVML_NO_UNVERSIONED_FUNC_DEFS=1",
		"-I" + filepath.Join(header, "pkg", "nvml"),
		"-Wl,-soname," + Name,
		"-o", path,
	}
	for _, v := range variants {
		args = append(args, "-D"+string(v))
	}
	args = append(append(args, source), linker...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile fake driver library: %w: %s", err, out)
	}
	return path, nil
}

func list(args ...string) (string, error) {
	out, err := exec.Command("go", append([]string{"list", "-f", "{{.Dir}}"}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("find source of fake driver library: go list %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Control is the path of a control file, which a running process's fake library reads.
type Control string

// Set replaces the whole file atomically. Each line is a key, a space and a value.
func (c Control) Set(lines ...string) error {
	next := string(c) + ".next"
	if err := os.WriteFile(next, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write control file: %w", err)
	}
	if err := os.Rename(next, string(c)); err != nil {
		return fmt.Errorf("replace control file: %w", err)
	}
	return nil
}
