// Command mutation makes faults that matter in the code, one at a time and in a copy, and runs the
// tests that have to notice: "make mutation". A break that no test notices is a missing test.
package main
