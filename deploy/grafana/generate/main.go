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
		if err := os.MkdirAll(filepath.Dir(filepath.Join(os.Args[1], name)), 0o755); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
		if err := os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

// render returns the content of each file by name.
func render() map[string][]byte {
	files := map[string][]byte{}
	for name, board := range boards() {
		files[name] = encode(board)
		files["zh/"+name] = encode(newTranslator().board(board))
	}
	return files
}

// boards are the dashboards by the name of their file.
func boards() map[string]dashboard {
	return map[string]dashboard{
		"overview.json": overview(),
		"gpu.json":      gpu(),
		"jobs.json":     jobs(),
		"host.json":     host(),
		"inside.json":   inside(),
	}
}

func encode(board dashboard) []byte {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetIndent("", "  ")
	// PromQL uses < and >, which encoding/json would escape.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(publish(board)); err != nil {
		panic(err) // only structs of this program are encoded
	}
	return content.Bytes()
}
