// Command reflow wraps the comments of Go files at 100 columns.
//
//	reflow [-l | -w] file ...
//
// With -l it lists the files that it would change, and ends with 1 if there are any; with -w it
// changes them. A paragraph, or an item of a list, is filled anew only if one of its lines is too
// wide; indented text, tables, directives and what is generated stay as they are. A comment behind
// code that is too wide goes above the line.
package main
