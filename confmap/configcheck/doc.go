// Package configcheck looks at a configuration before the Collector does, when it is started,
// reloaded or validated: it puts the extensions of several files together, and says in which file
// and line a key or a value stands that would be refused, and what to write instead.
package configcheck
