package xid

import (
	"bytes"
	"strconv"
	"time"
)

// kernelLine is an XID as the driver writes it into the kernel's log.
type kernelLine struct {
	// address is the GPU's PCI address without the function, for example "0000:41:00".
	address   string
	code      uint64
	sinceBoot time.Duration
}

// The parts of a line: "NVRM: Xid (PCI:0000:41:00): 79, pid='<unknown>', name=<unknown>, GPU has
// fallen off the bus." Old drivers omitted "PCI:". For a MIG device, more follows the address:
// "(PCI:0000:41:00 GPU-I:05)".
var (
	xidStart   = []byte("NVRM: Xid (")
	xidBus     = []byte("PCI:")
	xidEnd     = []byte("): ")
	xidAddress = []byte("0123456789abcdefABCDEF:")
)

// addressLimit is far above the length of any address.
const addressLimit = 96

// facilityKernel is the first priority with a facility other than 0. Records of the kernel itself
// have facility 0, records that a process wrote do not, so that no process can forge an XID.
const facilityKernel = 1 << 3

// parseKernelLine parses a line of /dev/kmsg: "priority,sequence,microseconds,flags;text"
// (Documentation/ABI/testing/dev-kmsg). Continuation lines of a record begin with a space.
func parseKernelLine(line []byte) (x kernelLine, ok bool) {
	prefix, text, _ := bytes.Cut(line, []byte(";"))
	rest, isXID := bytes.CutPrefix(text, xidStart)
	if !isXID {
		return x, false
	}
	fields := bytes.SplitN(prefix, []byte(","), 4)
	if len(fields) < 4 {
		return x, false
	}
	priority, err := strconv.ParseUint(string(fields[0]), 10, 32)
	if err != nil || priority >= facilityKernel {
		return x, false
	}
	sinceBoot, err := strconv.ParseUint(string(fields[2]), 10, 53)
	if err != nil {
		return x, false
	}
	gpu, rest, found := bytes.Cut(rest, xidEnd)
	if !found {
		return x, false
	}
	address, _, _ := bytes.Cut(bytes.TrimPrefix(gpu, xidBus), []byte(" "))
	if bytes.Count(address, []byte(":")) != 2 || len(address) > addressLimit || len(bytes.Trim(address, string(xidAddress))) > 0 {
		return x, false
	}
	digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
	code, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return x, false
	}
	return kernelLine{address: string(address), code: code, sinceBoot: time.Duration(sinceBoot) * time.Microsecond}, true
}
