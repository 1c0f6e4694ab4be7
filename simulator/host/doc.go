// Package host makes this machine look as if FaceFusion ran on it, one piece at a time: checkouts,
// jobs folders, and processes that are real to whoever looks at /proc, at sockets and at files. A
// scripted NVIDIA driver library belongs to it.
//
// The processes are copies of the program itself. Therefore that program, be it a test, calls
// fakeproc.Main first of all:
//
//	func TestMain(m *testing.M) {
//		fakeproc.Main()
//		goleak.VerifyTestMain(m)
//	}
package host
