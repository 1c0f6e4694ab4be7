// Package gputest is a scripted gpu.Driver: every answer of every call can be set, failed or made
// to block while a sampler is running.
//
// It is for tests only. fakenvml fakes the library itself, including its C structs.
package gputest
