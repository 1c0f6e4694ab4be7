// Package containertest makes control groups of the machine that a test runs on, in whichever
// version it has each controller. What a test wants of a container beside that does not belong
// here.
package containertest
