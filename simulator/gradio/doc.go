// Package gradio answers the few requests that a FaceFusion web UI of Gradio 5.50 answers to a
// monitor, and misbehaves on demand.
//
// This package holds what a client sees over HTTP. What a server does with jobs and GPUs is in
// simulator/scenario.
package gradio
