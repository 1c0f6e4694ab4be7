package process_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// Capabilities, see linux/capability.h.
const (
	capDACReadSearch = 2
	capSysPtrace     = 19
)

// visibilityCase is an observer without privileges, but for those that are given, on a host whose
// proc is mounted with options.
type visibilityCase struct {
	// Options of the proc mount, Groups and Caps of the observer.
	Options string
	Groups  []uint32
	Caps    []uintptr
	// Blind and Found are what it has to see: the reasons, and whether it finds the service.
	Blind []process.Visibility
	Found bool
}

const procGroup = 4711

var visibilityCases = map[string]visibilityCase{
	"any user":                       {Blind: []process.Visibility{process.VisibilityDenied}},
	"CAP_SYS_PTRACE":                 {Caps: []uintptr{capSysPtrace}, Blind: []process.Visibility{process.VisibilityFoldersDenied}},
	"CAP_DAC_READ_SEARCH":            {Caps: []uintptr{capDACReadSearch}, Blind: []process.Visibility{process.VisibilityDenied}},
	"both":                           {Caps: []uintptr{capSysPtrace, capDACReadSearch}, Found: true},
	"hidepid=1":                      {Options: "hidepid=1", Blind: []process.Visibility{process.VisibilityHidden}},
	"hidepid=2":                      {Options: "hidepid=2", Blind: []process.Visibility{process.VisibilityHidden}},
	"hidepid=4":                      {Options: "hidepid=4", Blind: []process.Visibility{process.VisibilityHidden}},
	"hidepid=2, the group":           {Options: "hidepid=2,gid=4711", Groups: []uint32{procGroup}, Blind: []process.Visibility{process.VisibilityDenied}},
	"hidepid=2, another group":       {Options: "hidepid=2,gid=4712", Groups: []uint32{procGroup}, Blind: []process.Visibility{process.VisibilityHidden}},
	"hidepid=4, the group":           {Options: "hidepid=4,gid=4711", Groups: []uint32{procGroup}, Blind: []process.Visibility{process.VisibilityHidden}},
	"hidepid=2, CAP_SYS_PTRACE":      {Options: "hidepid=2", Caps: []uintptr{capSysPtrace}, Blind: []process.Visibility{process.VisibilityFoldersDenied}},
	"hidepid=2, both":                {Options: "hidepid=2", Caps: []uintptr{capSysPtrace, capDACReadSearch}, Found: true},
	"hidepid=2, CAP_DAC_READ_SEARCH": {Options: "hidepid=2", Caps: []uintptr{capDACReadSearch}, Blind: []process.Visibility{process.VisibilityHidden}},
}

// TestCannotSeeIsNotIsNot: a service runs as another user, in a home of its own. Who cannot see it
// says why, and never that there is none.
func TestCannotSeeIsNotIsNot(t *testing.T) {
	got := isolated[map[string]process.Snapshot](t, "visibility")
	for name, c := range visibilityCases {
		t.Run(name, func(t *testing.T) {
			s := got[name]
			var blind []process.Visibility
			for _, b := range s.Blind {
				blind = append(blind, b.Visibility)
				assert.NotEmpty(t, b.Lost)
				assert.Contains(t, b.Remedy, b.Capability, "the remedy names the capability")
				assert.Equal(t, b.Visibility == process.VisibilityHidden, b.Processes == 0)
			}
			assert.Equal(t, c.Blind, blind)
			var named, found bool
			for _, i := range s.Instances {
				if i.ID == "named" {
					named = true
					assert.Equal(t, !c.Found, i.Unseen, "neither up nor down")
					assert.Equal(t, c.Found, i.Up())
				}
				found = found || i.Up()
			}
			assert.True(t, named)
			assert.Equal(t, c.Found, found)
		})
	}
}

func runVisibility() {
	settleIn()
	// The folder of a user, which others may not enter.
	home := "/mnt/home"
	check(syscall.Mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"))
	check(os.MkdirAll(home+"/app/facefusion", 0o755))
	check(os.WriteFile(home+"/app/facefusion/metadata.py", []byte("METADATA = {'name': 'FaceFusion', 'version': '3.5.0'}\n"), 0o644))
	check(os.WriteFile(home+"/app/main.py", []byte("import sys\nprint('ready', flush=True)\nsys.stdin.read()\n"), 0o644))
	exe, err := filepath.EvalSymlinks(python)
	check(err)
	for _, path := range []string{home, home + "/app"} {
		check(os.Chown(path, 1000, 1000))
	}
	check(os.Chmod(home, 0o700))
	cmd := exec.Command(exe, "main.py")
	cmd.Dir = home + "/app"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	input, err := cmd.StdinPipe()
	check(err)
	output, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	_, err = output.Read(make([]byte, 16)) // it runs its script
	check(err)
	result := map[string]process.Snapshot{}
	for name, c := range visibilityCases {
		result[name] = c.observe(home + "/app")
	}
	check(input.Close())
	check(cmd.Wait())
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// observe takes a pass as the observer of a case.
func (c visibilityCase) observe(path string) (s process.Snapshot) {
	options := c.Options
	if options == "" {
		options = "hidepid=0,gid=0"
	}
	check(syscall.Mount("proc", "/proc", "proc", syscall.MS_REMOUNT, "hidepid=0,gid=0"))
	check(syscall.Mount("proc", "/proc", "proc", syscall.MS_REMOUNT, options))
	cmd := asStranger("observe-named " + path)
	cmd.SysProcAttr.Credential.Groups, cmd.SysProcAttr.AmbientCaps = c.Groups, c.Caps
	out, err := cmd.Output()
	check(err)
	check(json.Unmarshal(out, &s))
	return s
}
