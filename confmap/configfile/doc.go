// Package configfile reads the files of a configuration, as the Collector's own provider of files
// does, and remembers in which line what stands: errors can name the file, the line and the remedy.
package configfile
