package process

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listener is a listening TCP socket.
type listener struct {
	address netip.AddrPort
	uid     int
	inode   uint64
}

// listeners reads the listening sockets of the network namespace that a process (or "self") of a
// proc folder is in. IPv4 comes first.
func listeners(folder string) ([]listener, error) {
	var all []listener
	var errs []error
	for _, name := range []string{"tcp", "tcp6"} {
		file, err := os.Open(folder + "/net/" + name)
		if err != nil {
			// a kernel without IPv6 has no tcp6
			if !errors.Is(err, os.ErrNotExist) || name == "tcp" {
				errs = append(errs, err)
			}
			continue
		}
		all = append(all, parseListeners(file)...)
		file.Close()
	}
	return all, errors.Join(errs...)
}

// stateListen is TCP_LISTEN,
// https://elixir.bootlin.com/linux/v6.18/source/include/net/tcp_states.h.
const stateListen = "0A"

// parseListeners reads up to the first socket that does not listen: the kernel lists the listening
// ones first, and a busy host has many thousands of others. procfs would read them all.
func parseListeners(r io.Reader) []listener {
	var list []listener
	lines := bufio.NewScanner(r)
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != stateListen {
			break
		}
		address, ok := parseAddress(fields[1])
		uid, uidErr := strconv.Atoi(fields[7])
		inode, inodeErr := strconv.ParseUint(fields[9], 10, 64)
		if !ok || uidErr != nil || inodeErr != nil {
			continue
		}
		list = append(list, listener{address: address, uid: uid, inode: inode})
	}
	return list
}

// parseAddress reads "0100007F:1EB4": words of 32 bits as the machine has them in memory, then the
// port.
func parseAddress(s string) (netip.AddrPort, bool) {
	host, service, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(service, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	address, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), true
}

// parseLocalIPv4 returns the addresses of a network namespace that are no loopback, each once, out
// of /proc/<pid>/net/fib_trie: a line with the address, then one that says "/32 host LOCAL".
func parseLocalIPv4(r io.Reader) []netip.Addr {
	var list []netip.Addr
	var last netip.Addr
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if address, ok := strings.CutPrefix(line, "|-- "); ok {
			last, _ = netip.ParseAddr(address)
			continue
		}
		if line == "/32 host LOCAL" && last.IsValid() && !last.IsLoopback() && !slices.Contains(list, last) {
			list = append(list, last)
		}
	}
	return list
}

// parseLocalIPv6 returns the addresses of a network namespace out of /proc/<pid>/net/if_inet6: 32
// hexadecimal digits, then what belongs to the interface.
func parseLocalIPv6(r io.Reader) []netip.Addr {
	var list []netip.Addr
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		digits, _, _ := strings.Cut(lines.Text(), " ")
		raw, err := hex.DecodeString(digits)
		if address, ok := netip.AddrFromSlice(raw); err == nil && ok && address.Is6() {
			list = append(list, address)
		}
	}
	return list
}
