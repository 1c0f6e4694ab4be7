// Package jobs writes a FaceFusion jobs folder the way FaceFusion 3.x does: the same files, and the
// same operations on them in the same order (testdata has the recordings). An observer of the
// folder cannot distinguish it from FaceFusion.
//
// There is no operation that makes an orphan, because FaceFusion has none: an orphan is a job with
// a started step whose process is gone.
package jobs
