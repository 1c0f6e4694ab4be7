package xid

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Lines as the driver writes them: of 570 and 535, of a MIG device, of old drivers, and of a board
// with a large PCI domain.
var kernelLines = map[string]kernelLine{
	"3,1234,5098412345,-;NVRM: Xid (PCI:0000:41:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n": {
		"0000:41:00", 79, 5098412345 * time.Microsecond,
	},
	"4,1,7,-,caller=T1234;NVRM: Xid (PCI:0001:c1:00): 31, pid=4242, name=python, Ch 00000008, intr 00000000. MMU Fault": {"0001:c1:00", 31, 7 * time.Microsecond},
	"4,1,7,-;NVRM: Xid (PCI:0000:07:00 GPU-I:05): 43, pid=77, name=python, Ch 00000008":                                 {"0000:07:00", 43, 7 * time.Microsecond},
	"6,1,7,c;NVRM: Xid (0000:02:00): 13, 0001 00000000 0000A0C0 00000240":                                               {"0000:02:00", 13, 7 * time.Microsecond},
	"3,1,7,-;NVRM: Xid (PCI:00010000:02:00): 154, GPU recovery action changed":                                          {"00010000:02:00", 154, 7 * time.Microsecond},
	"3,1,0,-;NVRM: Xid (PCI:0000:41:00): 119":                                                                           {"0000:41:00", 119, 0},
}

func TestLinesOfTheKernelsLog(t *testing.T) {
	for line, want := range kernelLines {
		got, ok := parseKernelLine([]byte(line))
		require.True(t, ok, line)
		require.Equal(t, want, got, line)
	}
	for _, line := range []string{
		"",
		";",
		"3,1,7,-",
		"3,1,7,-;NVRM: GPU at PCI:0000:41:00: GPU-8f6d1b2c",
		"3,1,7,-;NVRM: Xid (PCI:0000:41:00)",
		"3,1,7,-;NVRM: Xid (PCI:0000:41:00): ",
		"3,1,7,-;NVRM: Xid (PCI:0000:41:00): , pid=1",
		"3,1,7,-;NVRM: Xid (PCI:0000:41:00): -79, pid=1",
		"3,1,7,-;NVRM: Xid (PCI:0000:41:00): 99999999999999999999, pid=1",
		"3,1,7,-;NVRM: Xid (PCI:0000:41): 79, pid=1",
		"3,1,7,-;NVRM: Xid (PCI:0000:zz:00): 79, pid=1",
		"3,1,7,-;NVRM: Xid (PCI:" + strings.Repeat("0", 200) + ":41:00): 79, pid=1",
		"3,1,7,-;nvidia-nvswitch0: SXid (PCI:0000:41:00): 20009, Non-fatal",
		"3,1,7,-;a text about NVRM: Xid (PCI:0000:41:00): 79, pid=1",
		" 3,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, carried on from the line before",
		"x,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, pid=1",
		"-3,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, pid=1",
		"3,1,x,-;NVRM: Xid (PCI:0000:41:00): 79, pid=1",
		"3,1,7;NVRM: Xid (PCI:0000:41:00): 79, pid=1",
		// Records that a process wrote have facility 1 or higher.
		"11,1,7,-;NVRM: Xid (PCI:0000:41:00): 79, pid=1",
	} {
		_, ok := parseKernelLine([]byte(line))
		require.False(t, ok, line)
	}
}

func FuzzParseKernelLine(f *testing.F) {
	for line := range kernelLines {
		f.Add([]byte(line))
	}
	address := regexp.MustCompile(`^[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F]*$`)
	f.Fuzz(func(t *testing.T, line []byte) {
		x, ok := parseKernelLine(line)
		if !ok {
			require.Zero(t, x)
			return
		}
		require.Regexp(t, address, x.address)
		require.LessOrEqual(t, x.code, uint64(1<<32-1))
		require.GreaterOrEqual(t, x.sinceBoot, time.Duration(0))
		require.Contains(t, string(line), "NVRM: Xid (")
	})
}
