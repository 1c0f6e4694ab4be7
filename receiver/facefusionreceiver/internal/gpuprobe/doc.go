// Package gpuprobe translates what internal/gpu sees into metrics and events.
//
// Here belong the section gpu of the configuration, the attributes of a GPU, what is emitted of its
// health and its XIDs, and which FaceFusion a process on it belongs to. How a reading is had, and
// when it is plausible, is decided in internal/gpu.
package gpuprobe
