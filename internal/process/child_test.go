package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// childMode makes this test binary play a process of FaceFusion, or an observer of another user.
const childMode = "PROCESS_TEST_CHILD"

func beChild(mode string) {
	command, argument, _ := strings.Cut(mode, " ")
	switch command {
	case "exit":
		// Ends when its standard input does, so that the test chooses the moment.
		os.Stdin.Read(make([]byte, 1))
		code, err := strconv.Atoi(argument)
		if err != nil {
			panic(err)
		}
		os.Exit(code)
	case "listen":
		listenAndWait(net.Listen("tcp", argument))
	case "freebind":
		freebind(argument)
	case "deployments":
		runDeployments(argument)
	case "decoys":
		runDecoys()
	case "forms":
		runForms()
	case "containers":
		runContainers()
	case "users":
		runUsers()
	case "networks":
		buildNetworks(argument)
	case "observe":
		observeAsChild(process.Settings{RootPath: argument})
	case "observe-named":
		observeAsChild(process.Settings{Instances: []process.Configured{{Name: "named", Path: argument}}})
	case "visibility":
		runVisibility()
	case "witness":
		witnessAsChild(argument)
	default:
		panic(mode)
	}
}

// observeAsChild prints the second of two passes.
func observeAsChild(s process.Settings) {
	table := process.NewTable(s)
	var last *process.Snapshot
	for range 2 {
		s, err := table.Observe(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		last = s
	}
	if err := json.NewEncoder(os.Stdout).Encode(last); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// witnessAsChild says a line when it sees that process, and prints how it ended.
func witnessAsChild(pid string) {
	table := process.NewTable(process.Settings{OnExit: func() {}})
	seen := false
	for {
		s, err := table.Observe(context.Background())
		if err != nil {
			panic(err)
		}
		for _, i := range s.Instances {
			for _, p := range i.Processes {
				if strconv.Itoa(p.PID) == pid && !seen {
					seen = true
					fmt.Println("seen")
				}
			}
		}
		for _, c := range s.Changes {
			if strconv.Itoa(c.PID) == pid && c.Exited {
				if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
					panic(err)
				}
				os.Exit(0)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// stranger is a user that owns nothing.
const stranger = 65534

// asStranger makes a process of this binary that runs without privileges.
func asStranger(mode string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	}
	return cmd
}

// observeAs takes a pass as a user without privileges, from a process of its own.
func observeAs(t *testing.T, root string) process.Snapshot {
	t.Helper()
	out, err := asStranger("observe " + root).Output()
	require.NoError(t, err)
	var s process.Snapshot
	require.NoError(t, json.Unmarshal(out, &s))
	return s
}

const shellMode = "shell"

// impostor is a real process that looks like FaceFusion from outside.
type impostor struct {
	t     *testing.T
	cmd   *exec.Cmd
	input interface{ Close() error }
	// port is where it listens, in mode "listen".
	port uint16
}

func startImpostor(t *testing.T, checkout, mode string, argv ...string) *impostor {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	if mode == shellMode {
		// A shell runs the checkout's facefusion.py. Unlike a Go program it does not turn a SIGSEGV
		// into an exit.
		require.NoError(t, os.WriteFile(filepath.Join(checkout, "facefusion.py"), []byte("read _\n"), 0o600))
		cmd.Path = "/bin/sh"
	}
	cmd.Args = argv
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	i := &impostor{t: t, cmd: cmd, input: input}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if strings.HasPrefix(mode, "listen ") {
		_, err := fmt.Fscan(output, &i.port)
		require.NoError(t, err)
	}
	return i
}

func (i *impostor) pid() int { return i.cmd.Process.Pid }

// observeUntil looks until a condition holds: a real host is in motion.
func observeUntil(t *testing.T, table *process.Table, what string, holds func(*process.Snapshot) bool) *process.Snapshot {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		s, err := table.Observe(t.Context())
		require.NoError(t, err)
		if holds(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: never, last snapshot %+v", what, s)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
