package fakeproc

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// pause and effort add up to a tenth of a core: measurable, and affordable on a laptop.
	pause  = 50 * time.Millisecond
	effort = 5 * time.Millisecond
	// pieceSize is written in each pause, up to outputSize.
	pieceSize  = 16 << 10
	outputSize = 4 << 20
)

// burn uses the CPU for a part of each pause, and then does something else, until done is closed.
func burn(done <-chan struct{}, part time.Duration, also func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		for start := time.Now(); time.Since(start) < part; {
		}
		also()
	}
}

// poll uses an eighth of a core for each open browser tab until done is closed.
func poll(done <-chan struct{}, tabs int) {
	burn(done, time.Duration(tabs)*pause/8, func() {})
}

// work plays ffmpeg and curl: it uses the CPU and writes the output file until standard input ends.
func work(args []string, stdin io.Reader) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, stdin)
	}()
	file, err := create(output(args))
	if err != nil {
		os.Exit(1)
	}
	defer file.Close()
	piece, written := make([]byte, pieceSize), 0
	burn(done, effort, func() {
		if written < outputSize {
			n, _ := file.Write(piece)
			written += n
		}
	})
}

// output returns the output file that a command line of ffmpeg or curl names.
func output(args []string) string {
	for _, option := range []string{"-y", "--output"} {
		if i := slices.Index(args, option); i >= 0 && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.DevNull
}

func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}
