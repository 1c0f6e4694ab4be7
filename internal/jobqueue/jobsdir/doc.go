// Package jobsdir knows what the disk holds: the four status folders of a jobs folder, the names in
// them, which of them changed, and the bytes of one file. What the bytes mean is the business of
// jobfile and jobqueue.
//
//	JobsFolder  one jobs folder, open for a pass.
//	Hinter  inotify: the names that changed. It may lose some, which only delays their check.
//	Dir     one status folder: whether it must be listed, and a listing that can be interrupted.
//	Reader  the text of one file and its FileStat. It follows no link and opens no FIFO.
package jobsdir
