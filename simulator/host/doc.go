// Package host makes this machine look as if FaceFusion ran on it, one piece at a time: checkouts,
// jobs folders, and processes that are real in /proc, with real sockets and files. It also has a
// scripted NVIDIA driver library.
//
// The processes are copies of the program itself. Therefore that program, also a test, calls
// fakeproc.Main first:
//
//	func TestMain(m *testing.M) {
//		fakeproc.Main()
//		goleak.VerifyTestMain(m)
//	}
package host
