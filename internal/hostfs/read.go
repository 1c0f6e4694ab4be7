package hostfs

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The reasons why a file is not read.
var (
	// ErrNotRegular: a FIFO, a socket, a device or a folder.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge: larger than the limit.
	ErrTooLarge = errors.New("larger than the limit")
)

// ReadFile returns a regular file of at most limit bytes. Links are followed within the root.
func (r *Root) ReadFile(path string, limit int) ([]byte, error) {
	return access(r, path, func(path string) ([]byte, error) {
		fd, err := r.openat(path, unix.O_RDONLY)
		if err != nil {
			if errors.Is(err, unix.ENXIO) {
				return nil, ErrNotRegular // a socket, or a device without a driver
			}
			return nil, err
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return nil, err
		}
		switch {
		case st.Mode&unix.S_IFMT != unix.S_IFREG:
			return nil, ErrNotRegular
		case st.Size > int64(limit):
			return nil, ErrTooLarge
		}
		return readAll(Descriptor(fd), limit)
	})
}

// Stat returns what a path leads to.
func (r *Root) Stat(path string) (unix.Stat_t, error) {
	return access(r, path, func(path string) (unix.Stat_t, error) {
		var st unix.Stat_t
		fd, err := r.openat(path, unix.O_PATH)
		if err != nil {
			return st, err
		}
		defer unix.Close(fd)
		err = unix.Fstat(fd, &st)
		return st, err
	})
}

// Held is an open file, and what it was when it was opened.
type Held struct {
	FD   int
	Stat unix.Stat_t
}

// Hold opens what a path leads to without a right to read it (O_PATH). It waits no longer than the
// gate does.
func (r *Root) Hold(path string) (Held, error) {
	return follow(r, path, func(path string) (Held, error) {
		return Keep(r.Gate, r.Key(path), r.Owner, func() (Held, error) { return r.openHeld(path) }, func(h Held) { unix.Close(h.FD) })
	})
}

// HoldInPlace is Hold for a clean path that leads through no link: one in it is ELOOP, so what is
// opened is the very folder of that name.
func (r *Root) HoldInPlace(path string) (Held, error) {
	return Keep(r.Gate, r.Key(path), r.Owner, func() (Held, error) { return r.openHeld(path) }, func(h Held) { unix.Close(h.FD) })
}

func (r *Root) openHeld(path string) (Held, error) {
	fd, err := r.openat(path, unix.O_PATH)
	if err != nil {
		return Held{}, err
	}
	h := Held{FD: fd}
	if err := unix.Fstat(fd, &h.Stat); err != nil {
		unix.Close(fd)
		return Held{}, err
	}
	return h, nil
}

// Judge asks something of an open file. It waits no longer than the gate does for the access to the
// key, so the question is asked of a descriptor of its own.
func (r *Root) Judge(key DeviceKey, h Held, ask func(Held) bool) (bool, error) {
	own, err := unix.FcntlInt(uintptr(h.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("hold: %w", err)
	}
	answer := false
	call, err := r.Gate.Start(key, r.Owner, func() {
		defer unix.Close(own)
		answer = ask(Held{FD: own, Stat: h.Stat})
	})
	if err != nil {
		unix.Close(own)
		return false, err
	}
	if err := r.Gate.Wait(call); err != nil {
		return false, err
	}
	return answer, nil
}

// access runs on what a path leads to.
func access[T any](r *Root, path string, run func(path string) (T, error)) (T, error) {
	return follow(r, path, func(path string) (T, error) {
		return Do(r.Gate, r.Key(path), r.Owner, func() (T, error) { return run(path) })
	})
}

// follow has a path without links tried. Most hold none, so they are tried as they are.
func follow[T any](r *Root, path string, try func(path string) (T, error)) (T, error) {
	if path == filepath.Clean(path) {
		result, err := try(path)
		if !errors.Is(err, unix.ELOOP) {
			return result, err
		}
	}
	resolved, err := r.Resolve(path)
	if err != nil {
		var none T
		return none, err
	}
	return try(resolved)
}

// Descriptor reads from an open file.
type Descriptor int

// Read implements io.Reader.
func (d Descriptor) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// readAll reads at most limit bytes; more is ErrTooLarge, as the file may grow while it is read.
func readAll(from io.Reader, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > limit {
		return nil, ErrTooLarge
	}
	return data, nil
}
