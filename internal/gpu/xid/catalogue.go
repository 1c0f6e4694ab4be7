package xid

// Grade is the severity of an XID for an operator.
type Grade int

// The grades. Program: usually an error of the program that used the GPU, which must be restarted.
// Contained: a memory error that was contained or repaired; the GPU keeps working. Hardware: the
// GPU must be reset or replaced, or its host restarted.
const (
	Program Grade = iota
	Contained
	Hardware
)

// CodeInfo describes one code.
type CodeInfo struct {
	Grade   Grade
	Meaning string
}

// Catalogue holds the codes that are counted separately; all others are counted together, as
// Program. Grades follow the immediate action of NVIDIA's catalogue of XIDs
// (https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html): RESET_GPU, RESTART_BM and
// the NVLink workflow are Hardware, RESTART_APP is Program. Counts of Hardware codes are reported
// from zero on, because a rate misses the first event of a counter that appears with it. The alerts
// and docs/gpu.md have the same list; a test compares them.
var Catalogue = map[int]CodeInfo{
	13:  {Program, "graphics engine exception"},
	31:  {Program, "memory page fault"},
	32:  {Program, "invalid or corrupted push buffer stream"},
	43:  {Program, "GPU stopped processing"},
	45:  {Program, "preemptive cleanup, after another one"},
	46:  {Hardware, "GPU stopped processing, timeout"},
	48:  {Hardware, "double bit ECC error"},
	61:  {Program, "internal micro-controller breakpoint"},
	62:  {Hardware, "internal micro-controller halt"},
	63:  {Contained, "row remapping or page retirement recorded"},
	64:  {Hardware, "row remapping or page retirement failed"},
	68:  {Program, "video processor exception"},
	69:  {Program, "graphics engine class error"},
	74:  {Hardware, "NVLink error"},
	79:  {Hardware, "GPU has fallen off the bus"},
	92:  {Contained, "high rate of single bit ECC errors"},
	94:  {Contained, "contained ECC error"},
	95:  {Hardware, "uncontained ECC error"},
	109: {Hardware, "context switch timeout"},
	119: {Hardware, "GSP does not answer"},
	120: {Hardware, "GSP error"},
	140: {Hardware, "unrecovered ECC error"},
	143: {Hardware, "GPU initialization error"},
	154: {Hardware, "recovery action changed"},
}

// Of returns the grade of a code; Program for a code that is not in Catalogue.
func Of(code int) Grade { return Catalogue[code].Grade }
