package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

func printJSON(w io.Writer, r report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

var marks = map[status]string{OK: "ok", Info: "--", Warning: "WARN", Failure: "FAIL"}

// printTable prints the report for people: one line for each finding, and what to do below it.
func printTable(w io.Writer, r report) error {
	var text strings.Builder
	fmt.Fprintf(&text, "otelcol-facefusion-doctor %s on %s\nchecked as %s\n", r.Version, r.Host, r.CheckedAs)
	if len(r.Config) > 0 {
		fmt.Fprintf(&text, "configuration %s\n", strings.Join(r.Config, ", "))
	}
	text.WriteByte('\n')
	check, subject := widths(r.Findings)
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "%-5s %-*s %-*s %s\n", marks[f.Status], check, f.Check, subject, printable(f.Subject), printable(f.Detail))
		if f.Remedy != "" {
			fmt.Fprintf(&text, "%*s -> %s\n", 5+check, "", printable(f.Remedy))
		}
	}
	fmt.Fprintf(&text, "\n%d ok, %d to know, %d warnings, %d failures\n",
		r.Summary[OK], r.Summary[Info], r.Summary[Warning], r.Summary[Failure])
	_, err := io.WriteString(w, text.String())
	return err
}

// maxSubject is how wide the column of subjects gets; a longer one moves what follows it.
const maxSubject = 40

func widths(findings []finding) (check, subject int) {
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
