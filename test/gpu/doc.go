// Command gpu compares what the collector reports of NVIDIA GPUs with what nvidia-smi reports, on a
// machine that has some. "make gpu" runs it there; "make gpu-kit" puts it into a folder with all
// that it needs, to be carried to a machine that has nothing else.
package main
