package poll

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrorType classifies an error, for counting by kind.
type ErrorType string

// The kinds of errors.
const (
	PermissionDenied ErrorType = "permission_denied"
	NotFound         ErrorType = "not_found"
	Timeout          ErrorType = "timeout"
	// Exhausted: the collector has no more descriptors, or the host no more memory or disk.
	Exhausted ErrorType = "resource_exhausted"
	Other     ErrorType = "other"
)

// KindOf returns the kind of an error; of joined errors, the first kind that is known.
func KindOf(err error) ErrorType {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, fs.ErrPermission):
		return PermissionDenied
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENOSPC):
		return Exhausted
	default:
		return Other
	}
}
