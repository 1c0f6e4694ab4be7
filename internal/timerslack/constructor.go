//go:build linux && cgo

package timerslack

/*
#include <sys/prctl.h>

enum {
	kernelDefault = 50000,
	slack = 10000000, // nanoseconds, as Slack
};

static void __attribute__((constructor)) setTimerSlack(void) {
	if (prctl(PR_GET_TIMERSLACK) == kernelDefault)
		prctl(PR_SET_TIMERSLACK, slack); // it may fail in a sandbox, which costs wakeups only
}
*/
import "C"
