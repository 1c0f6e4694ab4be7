// Package logstream understands what FaceFusion writes to standard error: messages without time or
// level, progress bars that overwrite themselves with carriage returns, and what other libraries
// write in between.
//
// A Stream takes one such stream in pieces of any size (Write) and gives records and totals:
//
//	splitter   cuts at \r and \n, and bounds what has neither
//	progress   one record of a tqdm bar; whatever was glued to its end is a record of its own
//	wording    what a message of FaceFusion 2.0 to 3.8 means
//	foreign    what a line of onnxruntime, CUDA, Python, uvicorn or Gradio means
//	traceback  joins the lines of a Python exception
//	bars       frames, rate, time left and duration of each phase, from the counts in the bars
//	redact     leaves out paths
//
// A Stream belongs to one goroutine. All times are given by the caller.
package logstream
