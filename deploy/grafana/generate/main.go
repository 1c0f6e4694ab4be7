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

// render returns the content of each file by name.
func render() map[string][]byte {
	files := map[string][]byte{}
	for name, board := range map[string]dashboard{
		"overview.json": overview(),
		"gpu.json":      gpu(),
		"jobs.json":     jobs(),
		"host.json":     host(),
		"inside.json":   inside(),
	} {
		var content bytes.Buffer
		encoder := json.NewEncoder(&content)
		encoder.SetIndent("", "  ")
		// PromQL uses < and >, which encoding/json would escape.
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(board); err != nil {
			panic(err) // what is encoded are our own structs
		}
		files[name] = content.Bytes()
	}
	return files
}
