// Package logtest plays recorded streams of FaceFusion, and says what is in them without the code
// under test.
//
// It belongs to tests alone: the splitter that it has is slow and plain, so that it can be compared
// with the real one.
package logtest
