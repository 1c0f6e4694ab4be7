// Command simulator makes a Linux machine look as if FaceFusion ran on it, so that the collector
// can be seen and tested where there is neither FaceFusion nor a GPU.
//
// It is a simulator. Real are: the processes (their command lines, folders, sockets, children, CPU
// time and ends), the answers of a web UI, the files of the jobs folder and the order of the
// operations on them, and a driver library that is loaded as NVIDIA's would be. Not real is what
// they are there for: no face is swapped, no GPU is used, no model is downloaded. The processes are
// copies of this very program, and the numbers of the GPUs are made up.
//
//	simulator [flags] [-- command [argument ...]]
//
// The command runs beside it, with FACEFUSION_NVML_LIBRARY (the driver library), FAKENVML_CONTROL
// (which that library reads), FACEFUSION_LOG (what FaceFusion writes to standard error, as a
// pattern) and FACEFUSION_SIMULATOR_DIR in its environment; both end when either does.
package main
