//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// load loads the first library that can be loaded. A file that cannot be loaded does not end the
// search, because container runtimes leave empty files of that name.
func (l *library) load(settings Settings) error {
	if settings.LibraryPath != "" {
		return l.tryLoad(settings.LibraryPath)
	}
	err := l.tryLoad(l.name)
	if err == nil {
		return nil
	}
	refused := []error{err}
	for _, candidate := range l.candidates(settings.RootPath) {
		info, statErr := os.Stat(candidate)
		if errors.Is(statErr, os.ErrNotExist) {
			continue
		}
		if statErr == nil && !info.Mode().IsRegular() {
			statErr = errNotAFile
		}
		if statErr != nil {
			refused = append(refused, fmt.Errorf("load %s: %w", candidate, statErr))
			continue
		}
		if err = l.tryLoad(candidate); err == nil {
			return nil
		}
		refused = append(refused, err)
	}
	return whyNone(refused)
}

var errNotAFile = errors.New("not a file")

// candidates returns the files to try after the dynamic linker, which stops at the first file of
// that name in LD_LIBRARY_PATH, even if it is not a library.
func (l *library) candidates(root string) (list []string) {
	folders := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), l.fallbackFolders...)
	if root != "" && filepath.Clean(root) != "/" {
		for _, folder := range l.fallbackFolders {
			folders = append(folders, filepath.Join(root, folder))
		}
	}
	for _, folder := range folders {
		if candidate := filepath.Join(folder, l.name); folder != "" && !slices.Contains(list, candidate) {
			list = append(list, candidate)
		}
	}
	return list
}

// whyNone returns why each library was refused. If any file existed, its error is returned without
// that of the dynamic linker, which found none.
func whyNone(refused []error) error {
	there := slices.DeleteFunc(slices.Clone(refused), func(err error) bool { return errors.Is(err, gpu.ErrLibraryNotFound) })
	if len(there) > 0 {
		refused = there
	}
	return errors.Join(refused...)
}

// loadError classifies the text of dlerror, since there is no error code. The text is never
// translated, because nothing calls setlocale. It begins with the name of the file.
func loadError(path string, err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "No such file or directory") && !strings.Contains(text, path+": cannot open"):
		return fmt.Errorf("a library that it needs is missing: %w", err)
	case strings.Contains(text, "No such file or directory"):
		return fmt.Errorf("%w: %w", gpu.ErrLibraryNotFound, err)
	case strings.Contains(text, "Permission denied"):
		return fmt.Errorf("%w: %w", gpu.ErrNoPermission, err)
	default:
		return err
	}
}

// fallbackFolders are searched where the dynamic linker does not find the library: WSL 2,
// distributions in a container without ld.so.cache, the driver container of the GPU operator,
// managed Kubernetes, NixOS.
var fallbackFolders = []string{
	"/usr/lib/wsl/lib",
	"/usr/lib64",
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/run/nvidia/driver/usr/lib64",
	"/run/nvidia/driver/usr/lib/x86_64-linux-gnu",
	"/usr/local/nvidia/lib64",
	"/run/opengl-driver/lib",
}
