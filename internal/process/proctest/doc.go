// Package proctest builds a host's root with a /proc below a folder, for tests of what reads one:
// processes appear, change and end as the test says.
//
// It imitates what the kernel guarantees and a plain folder does not: a file is replaced as a
// whole, so that a reader who runs at the same time never sees half of it, and a process gets a new
// inode even where its pid was used before.
package proctest
