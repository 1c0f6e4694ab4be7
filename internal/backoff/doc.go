// Package backoff spaces out attempts at something that keeps failing.
//
// It knows delays only: who makes the attempts, and which failures are worth another one, is the
// caller's business.
package backoff
