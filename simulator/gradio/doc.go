// Package gradio answers the few requests that a FaceFusion web UI of Gradio 5.50 answers to a
// monitor, and misbehaves on demand.
//
// Here belongs what a client sees over HTTP. What a server does meanwhile, with jobs and GPUs, is
// that of simulator/scenario.
package gradio
