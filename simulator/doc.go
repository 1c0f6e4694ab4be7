// Command simulator makes a Linux machine look as if FaceFusion ran on it, so that the collector
// can be seen and tested where there is neither FaceFusion nor a GPU.
//
// Real are the processes (their command lines, folders, sockets, children, CPU time and exits), the
// answers of a web UI, the files of the jobs folder and the order of the operations on them, and a
// driver library that is loaded like NVIDIA's. Not real is the work: no face is swapped, no GPU is
// used, no model is downloaded. The processes are copies of this program, and the readings of the
// GPUs are invented.
//
//	simulator [flags] [-- command [argument ...]]
//
// The command runs beside it, with FACEFUSION_NVML_LIBRARY (the driver library), FAKENVML_CONTROL
// (which that library reads), FACEFUSION_LOG (what FaceFusion writes to standard error, as a
// pattern) and FACEFUSION_SIMULATOR_DIR in its environment; both end when either does.
package main
