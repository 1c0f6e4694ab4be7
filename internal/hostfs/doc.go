// Package hostfs is the one gate to every path that another user, a container or a share can
// influence: checkouts, configuration files, jobs folders, targets and outputs.
//
// Whatever leads to such a path may hang (an NFS server that is lost, a FUSE that was stopped), may
// be swapped between two system calls, may be a FIFO or a device, and may be as large as its owner
// likes. So an access
//
//   - runs on a goroutine that nobody waits for longer than the patience of the gate. While it
//     hangs, the device that it waits for is unresponsive and gets no other request, and the owner
//     of the path is the only one who pays for it;
//   - is resolved within a root directory, so that a link cannot lead out of a container, and is
//     opened without following any link that was not resolved before;
//   - is opened with O_NONBLOCK, checked after it was opened and read up to a limit.
//
// What the files mean belongs to the callers.
package hostfs
