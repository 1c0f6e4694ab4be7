// Package hostile runs attacks and faults against the built collector, with real users, namespaces
// and shares: what docs/security.md and docs/reliability.md promise. It needs root and /dev/fuse,
// and runs in mount, pid and network namespaces of its own (`make e2e-hostile`).
package hostile
