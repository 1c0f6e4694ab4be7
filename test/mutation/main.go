package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

type outcome string

const (
	caught   outcome = "caught"
	survived outcome = "SURVIVED"
	// unusable: it does not fit the code any more, does not compile, or only hangs.
	unusable outcome = "UNUSABLE"
)

func main() {
	only := flag.String("run", "", "only breaks whose file or description match this expression")
	parallel := flag.Int("parallel", 2, "how many at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	bad, err := run(ctx, regexp.MustCompile(*only), *parallel)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
	}
	if err != nil || bad > 0 {
		os.Exit(1)
	}
}

// run makes each break, and returns how many no test noticed.
func run(ctx context.Context, only *regexp.Regexp, parallel int) (bad int, err error) {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the folder for temporary files
	var mu sync.Mutex
	var wg sync.WaitGroup
	turns := make(chan struct{}, parallel)
	begin, counts := time.Now(), make(map[outcome]int)
	for i := range breaks {
		b := &breaks[i]
		if !only.MatchString(b.file + " " + b.what) {
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			start := time.Now()
			result, detail := b.try(ctx, filepath.Join(dir, fmt.Sprint(i)))
			mu.Lock()
			defer mu.Unlock()
			counts[result]++
			fmt.Printf("%-8s %4.0fs  %s: %s%s\n", result, time.Since(start).Seconds(), b.file, b.what, detail)
		})
	}
	wg.Wait()
	fmt.Printf("%d caught, %d survived, %d unusable, in %v\n", counts[caught], counts[survived], counts[unusable], time.Since(begin).Round(time.Second))
	return counts[survived] + counts[unusable], ctx.Err()
}

// try runs the tests that guard a file against a copy that has the break. The file itself stays as
// it is.
func (b *aBreak) try(ctx context.Context, dir string) (outcome, string) {
	overlay, err := b.overlay(dir)
	if err != nil {
		return unusable, ": " + err.Error()
	}
	guards := b.guards
	if len(guards) == 0 {
		guards = []string{filepath.Dir(b.file)}
	}
	arguments := []string{"test", "-count=1", "-failfast", "-timeout=4m", "-overlay=" + overlay}
	if b.tests != "" {
		arguments = append(arguments, "-run="+b.tests)
	}
	for _, g := range guards {
		arguments = append(arguments, "./"+g)
	}
	out, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput()
	text := string(out)
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
		return survived, ""
	case !errors.As(err, &exit):
		return unusable, ": " + err.Error()
	case strings.Contains(text, "[build failed]"), strings.Contains(text, "[setup failed]"):
		return unusable, " does not compile:\n" + text
	case strings.Contains(text, "panic: test timed out") && !failedTest.MatchString(text):
		return unusable, ": the tests took too long"
	default:
		return caught, noticedBy(text)
	}
}

var errFit = errors.New("the code has changed: write the break anew")

// overlay writes the broken file and what go build -overlay reads.
func (b *aBreak) overlay(dir string) (string, error) {
	source, err := os.ReadFile(b.file)
	if err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	if n := strings.Count(string(source), b.old); n != 1 {
		return "", fmt.Errorf("%q is in it %d times: %w", b.old, n, errFit)
	}
	path, err := filepath.Abs(b.file)
	if err != nil {
		return "", fmt.Errorf("find file: %w", err)
	}
	changed := filepath.Join(dir, filepath.Base(b.file))
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(changed, []byte(strings.Replace(string(source), b.old, b.broken, 1)), 0o600)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err == nil {
		err = os.WriteFile(overlay, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("write break: %w", err)
	}
	return overlay, nil
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

func noticedBy(text string) string {
	if m := failedTest.FindStringSubmatch(text); m != nil {
		return " (" + m[1] + ")"
	}
	return " (panic)"
}
