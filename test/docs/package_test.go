package docs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestThePackageHasEveryConfiguration: the documents tell users of the packages to add these files.
func TestThePackageHasEveryConfiguration(t *testing.T) {
	elsewhere := map[string]string{
		"demo.yaml":       "is for the simulator of the repository",
		"serverless.yaml": "is for containers that have no host to install a package on",
	}
	files, err := filepath.Glob("../../config/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	contents := read(t, "../../deploy/package/nfpm.yaml")
	for _, file := range files {
		name := filepath.Base(file)
		packaged := strings.Contains(contents, "dst: /etc/otelcol-facefusion/"+name+",")
		assert.Equal(t, elsewhere[name] == "", packaged, "%s in deploy/package/nfpm.yaml", name)
	}
}
