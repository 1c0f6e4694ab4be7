// Command fakesmi is an nvidia-smi for tests: it says what the file of the environment variable
// FAKESMI says.
//
// It is the second voice that test/gpu compares the collector with where there is no GPU.
package main
