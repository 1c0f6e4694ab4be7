// Command generate writes the Grafana dashboards. A dashboard is a file of this folder: what it
// asks, what it says about it and how it is drawn; what all panels have in common is said once, in
// chart.go and layout.go.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../dashboards

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER")
		os.Exit(2)
	}
	for name, content := range render() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

// render is the content of each file.
func render() map[string][]byte {
	files := map[string][]byte{}
	for name, board := range map[string]dashboard{
		"overview.json": overview(),
		"gpu.json":      gpu(),
		"jobs.json":     jobs(),
		"host.json":     host(),
	} {
		var content bytes.Buffer
		encoder := json.NewEncoder(&content)
		encoder.SetIndent("", "  ")
		// PromQL is full of < and >.
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(board); err != nil {
			panic(err) // what is encoded are our own structs
		}
		files[name] = content.Bytes()
	}
	return files
}
