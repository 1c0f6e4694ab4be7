//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"fmt"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// process is the only library that a process can load.
var process = library{name: "libnvidia-ml.so.1", fallbackFolders: fallbackFolders}

// library counts the sessions of the loaded library.
type library struct {
	mu sync.Mutex
	// api is nil until a library was loaded, and then never changes.
	api nvml.Interface
	// path is the file that api was loaded from.
	path string
	// name is passed to the dynamic linker; fallbackFolders are searched if it finds nothing.
	name            string
	fallbackFolders []string
	sessions        int
	exports         exports
	// newerMemory records for which GPUs the newer call for memory has succeeded.
	newerMemory answers
	direct      direct
}

// open starts a session.
func (l *library) open(settings Settings) (*session, error) {
	path := settings.LibraryPath
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.api == nil {
		if err := l.load(settings); err != nil {
			return nil, err
		}
	} else if path != "" && path != l.path {
		return nil, fmt.Errorf("load %s: this process has loaded %s: %w", path, l.path, gpu.ErrRestartRequired)
	}
	if err := l.initialize(); err != nil {
		return nil, err
	}
	l.sessions++
	s := &session{library: l, api: l.api, exports: l.exports, direct: l.direct}
	s.release = parseRelease(s.driverVersion())
	return s, nil
}

// initialize initializes the library. If other sessions use it already, only alive is called: a
// second nvmlInit would only increment a counter.
func (l *library) initialize() error {
	if l.sessions > 0 {
		if err := l.alive(); !errors.Is(err, gpu.ErrUninitialized) {
			return err
		}
	}
	// load has checked that nvmlInit exists.
	if err := failure("Init", l.api.Init()); err != nil {
		return err
	}
	l.exports, l.direct = resolveSymbols(l.api.Extensions().LookupSymbol), bind(l.path)
	for _, method := range []string{"DeviceGetCount", "DeviceGetHandleByIndex"} {
		if !l.exports[method] {
			return errors.Join(fmt.Errorf("use %s: nvml %s is missing", l.path, method), l.shutDown())
		}
	}
	return nil
}

// alive makes the cheapest call to a library that is in use.
func (l *library) alive() error {
	if !l.exports["DeviceGetCount"] {
		return gpu.ErrNotSupported
	}
	_, code := l.api.DeviceGetCount()
	return failure("DeviceGetCount", code)
}

// close ends a session; the last one shuts the library down.
func (l *library) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions--
	if l.sessions > 0 {
		return nil
	}
	return l.shutDown()
}

func (l *library) shutDown() error {
	if !l.exports["Shutdown"] {
		return nil
	}
	return failure("Shutdown", l.api.Shutdown())
}

// tryLoad opens a file before go-nvml does, for two reasons: go-nvml loses the text of the error,
// and it calls nvmlInit at once, which ends the process if the file is some other library.
func (l *library) tryLoad(path string) error {
	file := dl.New(path, dl.RTLD_LAZY|dl.RTLD_LOCAL)
	if err := file.Open(); err != nil {
		return fmt.Errorf("load %s: %w", path, loadError(path, err))
	}
	if file.Lookup("nvmlInit_v2") != nil && file.Lookup("nvmlInit") != nil {
		// Nothing was bound to it, so it can be unloaded.
		return errors.Join(fmt.Errorf("load %s: not a driver library", path), file.Close())
	}
	// No dlclose: the library stays loaded anyway.
	l.api, l.path = nvml.New(nvml.WithLibraryPath(path)), path
	return nil
}
