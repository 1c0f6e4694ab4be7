// Package dirent reads folders with getdents(2), buffer by buffer. Folders with thousands of names
// are read that way: the kernel returns the inode and the kind with each name, and no string is
// made of a name that nobody wants.
package dirent
