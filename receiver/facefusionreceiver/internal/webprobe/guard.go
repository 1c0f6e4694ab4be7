package webprobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// guard keeps credentials from a stranger who took the port of a configured endpoint on this host
// before the server did. On loopback, and on the host's own addresses, every user may listen.
//
// It connects, and lets nothing be written (neither a request nor a TLS handshake, which shows the
// client's certificate) before it is sure of the user. The user of the connection itself does not
// tell: the kernel names root until the connection is accepted, and then whoever accepted it, which
// for nginx is an unprivileged worker of root's master. So the listening sockets are compared:
// those that may have taken the connection must be the same before and after connecting, by the
// cookie that the kernel gives only once, and all of them of a user who is expected. While such a
// socket listens, nobody else can bind another one that its connections go to: ports are shared
// with SO_REUSEPORT within one user only, see socket(7).
type guard struct {
	folders []string
	// viaProxy says that what is dialed is a proxy: it reads what is sent to a server by http, and
	// so it is the one who must be expected.
	viaProxy bool
	owner    string // of the accesses to the folders
	gate     *hostfs.Gate
	dialer   net.Dialer
	logger   *zap.Logger
	// logged is the last refusal, so that each is logged once.
	logged atomic.Pointer[string]
}

func newGuard(i ConfiguredInstance, env probe.Env) *guard {
	return &guard{folders: i.Folders, owner: i.Name, gate: env.Gate, logger: env.Settings.Logger.With(zap.String("instance", i.Name))}
}

// dial is the DialContext of a transport.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	before, listErr := hostnet.Listeners()
	conn, err := g.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	to, here, routeErr := ownAddress(conn)
	if !here {
		return conn, nil
	}
	after, err := hostnet.Listeners()
	listErr = cmp.Or(listErr, err, routeErr)
	if reason := g.refuse(to, before, after, listErr); reason != "" {
		if g.viaProxy {
			reason = "proxy_url leads to a proxy on this host: " + reason
		}
		_ = conn.Close() // nothing was written
		g.log(to, reason)
		return nil, fmt.Errorf("%w: %s", webui.ErrNotProbed, reason)
	}
	g.logged.Store(nil)
	return conn, nil
}

// ownAddress says whether a connection ends on this host. That the kernel gives it the address that
// it goes to as the address that it comes from says so, but not of every address: to a secondary
// one of an interface, it comes from the primary one. It is of this host where that is not known.
func ownAddress(conn net.Conn) (to netip.AddrPort, here bool, err error) {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	local, localOK := conn.LocalAddr().(*net.TCPAddr)
	if !ok || !localOK {
		return netip.AddrPort{}, true, nil
	}
	to = netip.AddrPortFrom(remote.AddrPort().Addr().Unmap(), remote.AddrPort().Port())
	if remote.IP.IsLoopback() || remote.IP.Equal(local.IP) {
		return to, true, nil
	}
	route, err := hostnet.RouteTo(to.Addr())
	return to, err != nil || route == hostnet.RouteLocal, err
}

// refuse returns the reason not to send anything; empty where there is none.
func (g *guard) refuse(to netip.AddrPort, before, after []hostnet.Listener, err error) string {
	if err != nil {
		return "the kernel does not tell who listens: " + err.Error()
	}
	first, last := accepting(before, to), accepting(after, to)
	switch {
	case len(last) == 0:
		return "no process of this network namespace listens there: the connection was redirected"
	case !slices.Equal(cookies(first), cookies(last)):
		return "who listens there changed while connecting"
	}
	for _, l := range last {
		expected, err := g.expects(l.UID)
		if err != nil {
			return fmt.Sprintf("user %d listens there, and who owns the folders of the instance is not known: %v", l.UID, err)
		}
		if !expected {
			return fmt.Sprintf("user %d listens there, who is neither root, nor the collector's user, nor the owner of a folder of the instance", l.UID)
		}
	}
	return ""
}

func accepting(list []hostnet.Listener, to netip.AddrPort) []hostnet.Listener {
	var found []hostnet.Listener
	for _, l := range list {
		if l.Accepts(to) {
			found = append(found, l)
		}
	}
	return found
}

func cookies(list []hostnet.Listener) []uint64 {
	numbers := make([]uint64, 0, len(list))
	for _, l := range list {
		numbers = append(numbers, l.Cookie)
	}
	slices.Sort(numbers)
	return numbers
}

// expects says whether a user may serve the endpoint: root, the collector's user, and the
// instance's. The instance's user is whoever owns one of its configured folders, not whoever runs a
// process of it: every user who can read a checkout can start a process there.
// It fails where the user is not expected so far and a folder is on a file system that does not
// answer, or is his and proves nothing.
func (g *guard) expects(uid int) (bool, error) {
	if uid == 0 || uid == os.Geteuid() {
		return true, nil
	}
	root := g.root()
	var unproven error
	for _, folder := range g.folders {
		info, err := root.Stat(folder)
		if err == nil && int(info.Uid) != uid {
			continue
		}
		if err == nil {
			if err = placed(root, folder); err == nil {
				return true, nil
			}
		}
		if hostfs.IsHanging(err) || errors.Is(err, errAnybody) {
			unproven = fmt.Errorf("%s: %w", folder, err)
		}
	}
	return false, unproven
}

var errAnybody = errors.New("others than the owner of the folder that it is in can put one there")

// placed fails where another user than the owner of the folder above can have made a folder, as its
// owner says nothing then. The sticky bit keeps others from what is there, but not from being there
// first. A link counts where it is and where it leads to.
func placed(root *hostfs.Root, folder string) error {
	resolved, err := root.Resolve(folder)
	if err != nil {
		return err
	}
	for _, path := range []string{folder, resolved} {
		parent, err := root.Stat(filepath.Dir(path))
		if err != nil {
			return err
		}
		if parent.Mode&0o022 != 0 {
			return errAnybody
		}
	}
	return nil
}

// root is the collector's own root directory.
func (g *guard) root() *hostfs.Root {
	mounts, err := hostfs.ReadMounts("/proc/self")
	if err != nil {
		mounts = nil // all is one device then
	}
	return &hostfs.Root{Gate: g.gate, Dir: "/", Mounts: mounts, Owner: g.owner}
}

func (g *guard) log(to netip.AddrPort, reason string) {
	if last := g.logged.Swap(&reason); last != nil && *last == reason {
		return
	}
	g.logger.Warn("no credentials are sent to a configured endpoint of this host, which is not probed",
		zap.Stringer("address", to), zap.String("reason", reason),
		zap.String("remedy", "have the server run as the owner of the instance's path or jobs_path, or as root, or remove what is secret: auth, headers, cookies, middlewares, the client certificate, proxy_url, the query of the endpoint"))
}
