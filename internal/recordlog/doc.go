// Package recordlog keeps named values in a folder of append-only files, for state that is worth
// keeping and never a condition: whatever is damaged in the folder, and however full the disk is,
// a Journal opens and works.
//
// A write appends one frame with all values of a transaction. Everything in a frame is covered by a
// checksum; what does not match is skipped and counted, and the frames behind it are found again.
// Nothing is mapped into memory, so that a damaged or shortened file is never a signal. While the
// disk takes no writes, values are kept in memory within a bound, and written when it does again.
// Files without live values are removed, so that space is given back as soon as it is free.
//
// A process that dies loses nothing that was written; a power cut may lose the last seconds.
package recordlog
