// Command load measures how many hosts one gateway carries. It records the requests of a real agent
// on a simulated host with eight GPUs and two FaceFusions, starts a real gateway with
// config/gateway.yaml in front of a store that accepts everything, and sends as many agents would:
// first as fast as the gateway accepts it, then at the rate of real agents.
//
// The numbers are of CPU time, so that the agents and the store, which share the machine with the
// gateway, do not spoil them.
package main
