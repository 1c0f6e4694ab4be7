package process_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the body of the processes that the tests start from this very binary, see
// child_test.go.
func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		beChild(mode)
	}
	goleak.VerifyTestMain(m)
}
