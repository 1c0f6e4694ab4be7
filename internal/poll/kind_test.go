package poll

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKindOf(t *testing.T) {
	for want, err := range map[ErrorType]error{
		PermissionDenied: fmt.Errorf("read it: %w", &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}),
		NotFound:         errors.Join(errors.New("a"), syscall.ENOENT),
		Timeout:          fmt.Errorf("ask: %w", context.DeadlineExceeded),
		Exhausted:        &fs.PathError{Op: "open", Path: "/x", Err: syscall.EMFILE},
		Other:            errors.New("it is odd"),
	} {
		require.Equal(t, want, KindOf(err))
	}
}

func TestFailuresByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := []error{fs.ErrPermission, nil, errors.New("odd"), fs.ErrPermission}
		n := 0
		l := New(time.Second, func(context.Context) error {
			n++
			return errs[n-1]
		})
		l.Start()
		time.Sleep(500 * time.Millisecond)
		first := l.Health().FailuresBy
		time.Sleep(3 * time.Second)
		require.Equal(t, map[ErrorType]uint64{PermissionDenied: 2, Other: 1}, l.Health().FailuresBy)
		require.Equal(t, map[ErrorType]uint64{PermissionDenied: 1}, first, "what was handed out stays as it is")
		l.Stop()
	})
}
