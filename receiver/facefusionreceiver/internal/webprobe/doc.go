// Package webprobe translates what internal/webui sees into metrics and events.
//
// Here belong the section web of the configuration, the HTTP client, the targets that instances and
// configuration name, and the attributes of a server. What a server's answers mean is decided in
// internal/webui.
package webprobe
