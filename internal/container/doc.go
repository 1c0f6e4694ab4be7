// Package container knows what is around a process: the container that it runs in, or the unit of
// systemd, and what the control group of that allows and counts.
//
// Everything comes from files of the kernel: /proc/<pid>/cgroup says where a process is, the mount
// of the control groups what is allowed and used there. No container runtime is asked. Version 2 of
// the control groups has all of it, version 1 most; a host may have both at once, each with some of
// the controllers.
package container
