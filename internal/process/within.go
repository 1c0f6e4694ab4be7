package process

import (
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/container"
)

// Within is where a process runs, according to its control group: the id of its container and the
// uid of its pod, empty outside of one. Any account may read it.
func Within(root string, pid int) (containerID, podUID string) {
	file, err := os.Open(filepath.Join(root, "proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return "", ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCgroup))
	if err != nil {
		return "", ""
	}
	location := container.ParseLocation(text)
	return location.ID, location.PodUID
}
