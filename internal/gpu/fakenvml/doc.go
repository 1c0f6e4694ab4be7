// Package fakenvml compiles the fake driver library of testdata/nvml, for tests and for trying
// things out without a GPU. What the library does is read from a Control file; all keys are at the
// top of fakenvml.c.
//
// Building needs gcc, the go command and the module cache, where the header comes from: it carries
// its owner's notice and is not copied here.
package fakenvml
