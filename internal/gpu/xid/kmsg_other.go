//go:build !linux

package xid

import (
	"errors"
	"io"
)

// openKernelLog fails: only Linux has /dev/kmsg.
func openKernelLog(string) (io.ReadCloser, error) { return nil, errors.ErrUnsupported }
