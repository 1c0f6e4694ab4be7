// Package hostnet asks the kernel about the network of this process's own network namespace: who
// listens, and where an address leads. It needs no privilege, and reads neither /proc nor a
// resolver: one request over netlink takes about 0.1 ms, where /proc/net/tcp takes 3.7 ms, as the
// kernel walks its whole table of connections for that file.
package hostnet
