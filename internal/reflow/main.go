package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	list := flag.Bool("l", false, "list the files that would change")
	write := flag.Bool("w", false, "change them")
	flag.Parse()
	changed, err := run(flag.Args(), *write, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "reflow:", err)
		os.Exit(2)
	}
	if *list && changed {
		os.Exit(1)
	}
}

// run names the files with a comment that is too wide, and rewrites them if it is to.
func run(files []string, write bool, out io.Writer) (changed bool, err error) {
	for _, name := range files {
		before, err := os.ReadFile(name)
		if err != nil {
			return changed, err
		}
		after, err := reflow(before)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", name, err)
		}
		if bytes.Equal(before, after) {
			continue
		}
		changed = true
		if _, err := fmt.Fprintln(out, name); err != nil {
			return changed, err
		}
		if write {
			if err := os.WriteFile(name, after, 0o644); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}
