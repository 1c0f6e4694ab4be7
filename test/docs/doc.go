// Package docs checks the documents against code and configuration.
//
// Here belong tests that read documents: names, commands, settings, figures and links that have to
// be those of the code, and that both languages say the same.
package docs
