// Command floor makes only the calls that the agent's function requires, and discards their
// results: each second the list of processes, the times of FaceFusion's, and the readings of each
// GPU that have to be sampled; each five seconds a request to each server; each fifteen seconds the
// rest of the GPU's readings.
package main
