// Package process knows the FaceFusion processes of a host: which processes are FaceFusion, which
// installation (Instance) each belongs to, what they and their children use, where their web UI
// listens, and how they ended.
//
// Everything is learned from outside, out of /proc below a root that is an argument, so that a host
// can be watched from a container and a test can bring its own tree (package proctest). Nothing is
// asked of FaceFusion itself.
//
// A Table is one observer. Its owner calls Observe about every second, from one goroutine at a
// time, and publishes the Snapshot. Between two calls the only thing that runs is what waits for an
// exit: see Settings.OnExit.
//
// # Which processes are looked at
//
// A pass lists the processes that are new (see pidLister), and opens files only of those, of
// FaceFusion's processes and their children, and of processes that may still become FaceFusion. The
// rest, once judged, is not opened again while its pid and the inode of its folder stay, so a pass
// costs about the same on a host with 5,000 processes as on one with 100. See cache for how a
// judgement becomes final although a shell can turn into FaceFusion by exec.
//
// # What it may read
//
// Without any privilege the kernel shows other users' command lines, CPU times, memory and threads.
// The working folder (and with it the version and the jobs folder), I/O and sockets need the same
// user and group, or CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH. What is missing is named in
// Snapshot.Denied; the rest is reported all the same.
package process
