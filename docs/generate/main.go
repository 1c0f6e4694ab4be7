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
	if err := errors.Join(parsed.Execute(out, declared), out.Close()); err != nil {
		return err
	}
	return complete(filepath.Join(receiver, "documentation.md"), declared)
}
