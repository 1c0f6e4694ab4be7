// Command fakesmi is an nvidia-smi for tests: it prints the file that the environment variable
// FAKESMI names.
//
// It is the second voice that test/gpu compares the collector with where there is no GPU.
package main
