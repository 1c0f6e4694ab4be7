// Package gpu holds the tests that need an NVIDIA GPU. They are built with the tag gpu and run by
// "make gpu"; everywhere else they are only compiled.
package gpu
