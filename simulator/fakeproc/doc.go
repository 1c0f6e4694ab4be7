// Package fakeproc is what the simulator's processes do once they run. They are copies of the
// program that started them, with another command line: "python facefusion.py …" behaves like
// FaceFusion, "ffmpeg …" and "curl …" like its children, and any other command line does nothing.
//
// Instructions come through standard input and are answered on standard output, so that command
// line, folder and sockets are only FaceFusion's own. A fake process ends when its standard input
// is closed, so it cannot outlive the process that started it.
package fakeproc
