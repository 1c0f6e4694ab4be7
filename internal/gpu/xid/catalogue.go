package xid

// Counted are the codes with a count of their own; all others are counted together. A code that is
// true here is counted from zero: it means that a GPU must be reset or replaced, and a rate does
// not see the first event of a counter that begins with it.
var Counted = map[int]bool{
	13:  false, // graphics engine exception: the program's fault most of the time
	31:  false, // memory page fault: likewise
	32:  false, // invalid or corrupted push buffer stream
	43:  false, // GPU stopped processing: likewise
	45:  false, // preemptive cleanup, after another one
	48:  true,  // double bit ECC error
	61:  false, // internal micro-controller breakpoint
	62:  false, // internal micro-controller halt
	63:  false, // row remapping or page retirement recorded
	64:  true,  // row remapping or page retirement failed
	68:  false, // video processor exception
	69:  false, // graphics engine class error
	74:  true,  // NVLink error
	79:  true,  // fallen off the bus
	92:  false, // high rate of single bit ECC errors
	94:  true,  // contained ECC error
	95:  true,  // uncontained ECC error
	119: true,  // GSP does not answer
	120: true,  // GSP error
	140: true,  // unrecovered ECC error
	154: true,  // recovery action changed: the driver says that a reset or a reboot is due
}
