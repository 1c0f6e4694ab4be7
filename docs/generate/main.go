// Command generate writes docs/metrics.md: every metric, event and metric of the receiver about
// itself, by its OpenTelemetry and its Prometheus name. It reads metadata.yaml, and the histograms,
// which mdatagen cannot build, from their declarations in Go.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed metrics.md.tmpl
var page string

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate RECEIVER_FOLDER FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(receiver, file string) error {
	declared, err := read(receiver)
	if err != nil {
		return err
	}
	parsed, err := template.New(filepath.Base(file)).Parse(page)
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(parsed.Execute(out, declared), out.Close())
}
