package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The documents of this repository quote every figure that a run writes.
func TestEveryFigureIsQuoted(t *testing.T) {
	root := t.TempDir()
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join("../..", document))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, document)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	figures := table{interval: 15 * time.Second}.figures()
	figures["pace-times"] = "1.0"
	if err := quote(root, figures); err != nil {
		t.Error(err)
	}
	if err := quote(root, map[string]string{"of-nobody": "1"}); err == nil {
		t.Error("a figure that no document quotes was not missed")
	}
}

func TestWhatIsQuotedIsReplaced(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		if err := os.WriteFile(filepath.Join(root, document), []byte("it takes <!-- cost agent-ms -->55<!-- --> ms, <!-- cost other -->1<!-- -->"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := quote(root, map[string]string{"agent-ms": "41"}); err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join(root, document))
		if want := "it takes <!-- cost agent-ms -->41<!-- --> ms, <!-- cost other -->1<!-- -->"; err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", document, text, err)
		}
	}
}

func TestTheShortFormFindsWhatCostsTooMuch(t *testing.T) {
	rows := func(agent time.Duration, failed int64) table {
		return table{interval: shortInterval, rows: []row{
			{subject: &subject{name: agentName}, cpu: agent * time.Millisecond, failed: failed},
			{subject: &subject{name: emptyName}, cpu: 2 * time.Millisecond},
			{subject: &subject{name: floorName}, cpu: 3 * time.Millisecond},
		}}
	}
	if err := rows(50, 0).checkShort(); err != nil {
		t.Error(err)
	}
	if rows(51, 0).checkShort() == nil {
		t.Error("10.2 times the floor was let through")
	}
	if rows(20, 1).checkShort() == nil {
		t.Error("a scrape that failed was let through")
	}
}
