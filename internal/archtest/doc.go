// Package archtest holds what is true of the code as a whole, as tests that fail with the reason:
// which package may import which, which names were given up, that a name means one thing, and that
// each package says what belongs there.
//
// What can be said of one package by itself is tested there.
package archtest
