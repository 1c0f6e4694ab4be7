package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// containersSeen are the IDs of the instances of two containers, before and after a restart of the
// collector, and what is known when the one was killed.
type containersSeen struct {
	Before, After []string
	Up            int
}

// TestRealContainers: two containers of one image in mount and pid namespaces of their own, whose
// jobs are on tmpfs, and whose roots are overlays or file systems without any name.
func TestRealContainers(t *testing.T) {
	for kind, seen := range isolated[map[string]containersSeen](t, "containers") {
		t.Run(kind, func(t *testing.T) {
			assert.Len(t, seen.Before, 2)
			assert.Equal(t, seen.Before, seen.After)
			assert.Equal(t, 1, seen.Up, "the other one is down")
		})
	}
}

func runContainers() {
	settleIn()
	result := map[string]containersSeen{}
	for kind, root := range map[string]func(string) string{"overlay": makeRoot, "tmpfs": makeNamelessRoot} {
		result[kind] = followContainers(kind, root)
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
	os.Exit(0)
}

// makeNamelessRoot makes a root on tmpfs with the programs of this machine.
func makeNamelessRoot(name string) string {
	wd, err := os.Getwd()
	check(err)
	root := filepath.Join(wd, name)
	check(os.MkdirAll(root, 0o755))
	check(syscall.Mount("tmpfs", root, "tmpfs", 0, "mode=755"))
	for _, folder := range []string{"usr", "bin", "lib", "lib64", "sbin"} {
		if _, err := os.Stat("/" + folder); err == nil {
			check(os.MkdirAll(filepath.Join(root, folder), 0o755))
			check(syscall.Mount("/"+folder, filepath.Join(root, folder), "", syscall.MS_BIND|syscall.MS_REC, ""))
		}
	}
	return root
}

func followContainers(kind string, makeRoot func(string) string) (seen containersSeen) {
	var commands []*exec.Cmd
	for n := range 2 {
		root := makeRoot(fmt.Sprint(kind, n))
		checkout := filepath.Join(root, "facefusion")
		usersCase{}.layOut(checkout)
		script := "mount -t tmpfs tmpfs .jobs && exec python3 facefusion.py run"
		cmd := exec.Command("unshare", "-pfm", "--kill-child", "chroot", root, "/bin/sh", "-c", "cd /facefusion && "+script)
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		check(cmd.Start())
		commands = append(commands, cmd)
	}
	table := process.NewTable(process.Settings{})
	defer table.Close()
	seen.Before = upIDs(table, 2)
	second := process.NewTable(process.Settings{})
	defer second.Close()
	seen.After = upIDs(second, 2)
	check(commands[0].Process.Kill())
	_ = commands[0].Wait()
	seen.Up = len(upIDs(second, 1))
	check(commands[1].Process.Kill())
	_ = commands[1].Wait()
	upIDs(second, 0)
	return seen
}

// upIDs are the instances that are up, as soon as there are that many.
func upIDs(table *process.Table, want int) (ids []string) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s, err := table.Observe(context.Background())
		check(err)
		ids = nil
		for _, i := range s.Instances {
			if i.Up() {
				ids = append(ids, i.ID)
			}
		}
		if len(ids) == want || time.Now().After(deadline) {
			return ids
		}
	}
}
