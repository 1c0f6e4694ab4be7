// Package logencoding is how the agent writes its own log: an encoding of zap, which
// service::telemetry::logs::encoding names. A line is for an operator who reads a journal: the
// priority where systemd reads it, what happened, and with what. It has neither the place in the
// code, nor a stack, nor what is the same on each line; passwords in addresses are left out,
// whoever logs them. What the Collector says at each start and end of its parts is left out, too.
package logencoding
