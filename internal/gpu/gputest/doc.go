// Package gputest is a scripted gpu.Driver: every answer of every call can be set, failed or made
// to block while a sampler is running.
//
// It belongs to tests alone. What a real driver library does, down to its C structs, is played by
// fakenvml instead.
package gputest
