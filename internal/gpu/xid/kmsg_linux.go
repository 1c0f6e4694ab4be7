package xid

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

var errOtherDevice = errors.New("it is another device than the kernel's log")

// openKernelLog opens /dev/kmsg after the newest record. The file can be polled, so that waiting
// for a record occupies no thread and Close ends it.
func openKernelLog(path string) (io.ReadCloser, error) {
	// In some containers the path is the console, which must not become the controlling terminal,
	// and must not be read.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode()&os.ModeCharDevice != 0 && !isKernelLog(info) {
		err = fmt.Errorf("%s: %w", path, errOtherDevice)
	}
	if err == nil {
		// A pipe cannot be sought, and has no earlier records.
		if _, err = file.Seek(0, io.SeekEnd); errors.Is(err, syscall.ESPIPE) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// isKernelLog reports whether a file is the device 1:11 (Documentation/admin-guide/devices.txt).
func isKernelLog(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Rdev == 1<<8|11
}
