// Package reading holds the one idea that every observation shares: what cannot be had is absent,
// not zero.
//
// It imports nothing and knows no unit.
package reading
