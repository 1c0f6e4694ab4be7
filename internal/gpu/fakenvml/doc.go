// Package fakenvml compiles the fake driver library of testdata/nvml, for tests and experiments
// without a GPU. A Control file sets the behaviour of the library; the top of fakenvml.c lists all
// keys.
//
// Building needs gcc, the go command and the module cache, where the header comes from: it has its
// own licence and is not copied here.
package fakenvml
