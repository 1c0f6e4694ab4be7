// Package fakeproc is what the simulator's processes do once they run. They are copies of the
// program that started them, under another command line: "python facefusion.py …" behaves as
// FaceFusion, "ffmpeg …" and "curl …" as its children, and any other command line does nothing at
// all.
//
// Instructions come through standard input and are answered on standard output, so that command
// line, folder and sockets are only FaceFusion's own. A fake process ends when its standard input
// does: it cannot outlive the one who started it.
package fakeproc
