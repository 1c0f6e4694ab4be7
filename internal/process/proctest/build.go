package proctest

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// build writes the folder of a process.
func (h *ProcRoot) build(dir string, p ProcEntry) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "fd"), 0o755); err != nil {
		return err
	}
	files := map[string]string{
		"stat":         p.stat(),
		"comm":         p.Comm + "\n",
		"cmdline":      p.cmdline(),
		"statm":        fmt.Sprintf("%d %d 1 2 0 3 0\n", p.ResidentPages*3, p.ResidentPages),
		"status":       fmt.Sprintf("Name:\t%s\nUid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n", p.Comm, p.UID, p.UID, p.UID, p.UID, p.UID, p.UID, p.UID, p.UID),
		"io":           fmt.Sprintf("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 0\n", p.ReadBytes, p.WriteBytes),
		"mountinfo":    p.MountInfo,
		"cgroup":       cmp.Or(p.Cgroup, "0::/\n"),
		"environ":      strings.Join(p.Environ, "\x00"),
		"net/dev":      p.NetDev,
		"net/tcp":      p.tcp(4),
		"net/tcp6":     p.tcp(6),
		"net/fib_trie": p.fibTrie(),
		"net/if_inet6": p.ifInet6(),
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return h.links(dir, p)
}

func (h *ProcRoot) links(dir string, p ProcEntry) error {
	if p.State == "Z" {
		return nil
	}
	root := h.Path(p.RootDir)
	links := map[string]string{"root": root, "ns/net": p.NetNS}
	if p.Cwd != "" {
		links["cwd"] = filepath.Join(root, p.Cwd)
	}
	if p.Exe != "" {
		links["exe"] = filepath.Join(root, p.Exe)
	}
	for n, target := range p.Files {
		links[fmt.Sprintf("fd/%d", n)] = target
	}
	for n, s := range p.Listens {
		links[fmt.Sprintf("fd/%d", len(p.Files)+n)] = fmt.Sprintf("socket:[%d]", s.Inode)
	}
	for name, target := range links {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(target, path); err != nil {
			return err
		}
	}
	return nil
}

func (p ProcEntry) cmdline() string {
	if len(p.Argv) == 0 || p.State == "Z" {
		return ""
	}
	return strings.Join(p.Argv, "\x00") + "\x00"
}

// stat has all 52 fields of proc_pid_stat(5); those that nobody asks for are numbers of their own.
func (p ProcEntry) stat() string {
	return fmt.Sprintf("%d (%s) %s %d 5 6 0 -1 %d 10 11 12 13 %d %d 16 17 20 0 %d 0 %d 23 %d 25 26 27 28 29 30 31 32 33 34 35 36 37 17 39 40 41 42 43 44 45 46 47 48 49 50 51 %d\n",
		p.PID, p.Comm, p.State, p.PPID, p.Flags, p.UserTicks, p.SystemTicks, p.Threads, p.StartTicks, p.ResidentPages, p.ExitCode)
}

// tcp is /proc/<pid>/net/tcp or tcp6: listening sockets first, then one connection with the inode
// 1.
func (p ProcEntry) tcp(family int) string {
	var b strings.Builder
	b.WriteString("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
	row := 0
	for _, s := range append(append([]Socket(nil), p.Listens...), p.Sockets...) {
		if s.Address.Addr().Is4() != (family == 4) {
			continue
		}
		fmt.Fprintf(&b, "%4d: %s:%04X %s:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0\n",
			row, hexAddress(s.Address.Addr().AsSlice()), s.Address.Port(), hexAddress(make([]byte, s.Address.Addr().BitLen()/8)), s.UID, s.Inode)
		row++
	}
	if family == 4 {
		fmt.Fprintf(&b, "%4d: %s:C350 %s:01BB 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 20 4 30 10 -1\n",
			row, hexAddress([]byte{127, 0, 0, 1}), hexAddress([]byte{127, 0, 0, 1}))
	}
	return b.String()
}

// hexAddress prints words of 32 bits as the machine has them in memory.
func hexAddress(raw []byte) string {
	out := make([]byte, len(raw))
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(out[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	return strings.ToUpper(hex.EncodeToString(out))
}

func (p ProcEntry) fibTrie() string {
	var b strings.Builder
	b.WriteString("Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n")
	for _, a := range p.Local {
		if a.Is6() {
			continue
		}
		fmt.Fprintf(&b, "     |-- %s\n        /32 host LOCAL\n", a)
	}
	return b.String()
}

func (p ProcEntry) ifInet6() string {
	var b strings.Builder
	for _, a := range p.Local {
		if a.Is6() {
			fmt.Fprintf(&b, "%x 02 40 00 80     eth0\n", a.AsSlice())
		}
	}
	return b.String()
}
