package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	from := flag.String("from", "", "a checkout of https://github.com/golang/vulndb")
	to := flag.String("to", ".ci/vulnerabilities/db", "the folder that is written anew")
	flag.Parse()
	if err := renew(context.Background(), *from, *to, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
		os.Exit(1)
	}
}

// builds are the modules whose dependencies are compiled into what is shipped.
var builds = []string{".", "distribution/agent", "distribution/full"}

// renew replaces a database by what concerns the builds.
func renew(ctx context.Context, from, to string, out io.Writer) error {
	modules := make(map[string]bool)
	for _, dir := range builds {
		if err := modulesOf(ctx, dir, modules); err != nil {
			return err
		}
	}
	oldest, err := oldestGo(ctx)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(from, "data", "osv", "GO-*.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%w in %s", errNoDatabase, from)
	}
	selected, err := selectEntries(files, modules, oldest)
	if err != nil {
		return err
	}
	changed, err := lastChange(ctx, from)
	if err != nil {
		return err
	}
	if err := write(selected, changed, to); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d of %d entries, about %d modules\n", len(selected), len(files), len(modules))
	return err //nolint:wrapcheck // of the terminal
}

// modulesOf adds the modules that a build depends on.
func modulesOf(ctx context.Context, dir string, modules map[string]bool) error {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}", "all")
	list.Dir = dir
	text, err := list.Output()
	if err != nil {
		return fmt.Errorf("list modules of %s: %w", dir, err)
	}
	for path := range strings.FieldsSeq(string(text)) {
		modules[path] = true
	}
	return nil
}

// oldestGo is the oldest release of Go that builds this.
func oldestGo(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		return "", fmt.Errorf("read version of go.mod: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// lastChange is when the database was changed, which its entries do not say.
func lastChange(ctx context.Context, checkout string) (string, error) {
	show := exec.CommandContext(ctx, "git", "-C", checkout, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
	show.Env = append(os.Environ(), "TZ=UTC")
	text, err := show.Output()
	if err != nil {
		return "", fmt.Errorf("read date of %s: %w", checkout, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// selectEntries reads entries, and returns those that concern the modules or that version of Go.
func selectEntries(files []string, modules map[string]bool, oldest string) (selected []entry, err error) {
	for _, file := range files {
		e := entry{}
		if e.text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read entry: %w", err)
		}
		if err := json.Unmarshal(e.text, &e); err != nil {
			return nil, fmt.Errorf("read entry %s: %w", file, err)
		}
		if e.concerns(modules, oldest) {
			selected = append(selected, e)
		}
	}
	slices.SortFunc(selected, func(a, b entry) int { return strings.Compare(a.ID, b.ID) })
	return selected, nil
}
