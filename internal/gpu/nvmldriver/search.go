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

// load finds a library that can be loaded, and settles for it. A file that cannot be loaded does
// not end the search: an empty file of that name is left behind by containers.
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

// candidates are the files to try after the dynamic linker, which stops at the first of that name
// in LD_LIBRARY_PATH, whatever it is.
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

// whyNone says why each library was refused. Where any file was there, that is the reason, and not
// that the dynamic linker found none.
func whyNone(refused []error) error {
	there := slices.DeleteFunc(slices.Clone(refused), func(err error) bool { return errors.Is(err, gpu.ErrLibraryNotFound) })
	if len(there) > 0 {
		refused = there
	}
	return errors.Join(refused...)
}

// loadError understands the text of dlerror, which is all that there is. It is never translated,
// because nothing here calls setlocale. The text begins with the file that it is about.
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

// fallbackFolders are where the library is unknown to the dynamic linker: WSL 2, distributions in a
// container without ld.so.cache, the driver container of the GPU operator, managed Kubernetes,
// NixOS.
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
