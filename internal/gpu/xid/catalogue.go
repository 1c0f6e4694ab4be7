package xid

// Grade is how bad an XID is for an operator.
type Grade int

// The grades. Program: most of the time the fault of the program that used the GPU, which must be
// restarted. Contained: an error of the memory that was contained or repaired; the GPU works on.
// Hardware: the GPU must be reset or replaced, or its host restarted.
const (
	Program Grade = iota
	Contained
	Hardware
)

// CodeInfo is what is known of one code.
type CodeInfo struct {
	Grade   Grade
	Meaning string
}

// Catalogue has the codes with a count of their own; all others are counted together, as Program.
// Grades follow the immediate action of NVIDIA's catalogue of XIDs
// (https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html): RESET_GPU, RESTART_BM and
// the NVLink workflow are Hardware, RESTART_APP is Program. Counts of Hardware begin at zero: a
// rate does not see the first event of a counter that begins with it. The alerts and docs/gpu.md
// have the same list; a test compares them.
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

// Of is the grade of a code.
func Of(code int) Grade { return Catalogue[code].Grade }
