package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

func printJSON(w io.Writer, r Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

var marks = map[Status]string{OK: "ok", Info: "--", Warning: "WARN", Failure: "FAIL"}

// printTable prints the report for people: one line for each finding, and what to do below it.
func printTable(w io.Writer, r Report) error {
	fmt.Fprintf(w, "otelcol-facefusion-doctor %s on %s\nlooks as %s\n", r.Version, r.Host, r.LooksAs)
	if len(r.Config) > 0 {
		fmt.Fprintf(w, "configuration %s\n", strings.Join(r.Config, ", "))
	}
	fmt.Fprintln(w)
	check, subject := widths(r.Findings)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-5s %-*s %-*s %s\n", marks[f.Status], check, f.Check, subject, printable(f.Subject), printable(f.Detail))
		if f.Remedy != "" {
			fmt.Fprintf(w, "%*s -> %s\n", 5+check, "", printable(f.Remedy))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d ok, %d to know, %d warnings, %d failures\n",
		r.Summary[OK], r.Summary[Info], r.Summary[Warning], r.Summary[Failure])
	return err
}

// maxSubject is how wide the column of subjects gets; a longer one moves what follows it.
const maxSubject = 40

func widths(findings []Finding) (check, subject int) {
	for _, f := range findings {
		check = max(check, len(f.Check))
		if n := len([]rune(f.Subject)); n <= maxSubject {
			subject = max(subject, n)
		}
	}
	return check, subject
}

// printable keeps what a process or a file is called from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, text)
}
