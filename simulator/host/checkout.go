package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// checkoutFiles identify a checkout of FaceFusion 3.8. They have the structure of FaceFusion's
// files, not their content.
var checkoutFiles = map[string]string{
	"facefusion.py": "#!/usr/bin/env python3\n# written by the simulator: there is no FaceFusion here\n",
	"facefusion/metadata.py": `METADATA =\
{
	'name': 'FaceFusion',
	'version': '%s'
}
`,
	"facefusion.ini": `[paths]
temp_path =
jobs_path =

[uis]
ui_layouts =

[execution]
execution_providers =

[misc]
log_level =
`,
}

// Upgrade replaces an installation by one of another version, as `git pull` does. Running processes
// keep the version that they have loaded.
func (h *Machine) Upgrade(instance int, version string) error {
	return writeCheckout(h.Checkout(instance), version)
}

func writeCheckout(dir, version string) error {
	for name, text := range checkoutFiles {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if name == "facefusion/metadata.py" {
			text = fmt.Sprintf(text, version)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
