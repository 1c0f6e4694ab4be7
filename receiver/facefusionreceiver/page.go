package facefusionreceiver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostnet"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/poll"
)

const (
	// pageInterval is how often the page is looked for, after a start, and pageAttempts how often.
	pageInterval = 2 * time.Second
	pageAttempts = 15
	// pageStart is how much of an answer is looked at: the host's own metrics may come first.
	pageStart = 4 << 20
)

// pageFinder logs where the page of metrics is: what an operator needs first, and a receiver does
// not know it. It asks the ports on which this very process listens, until one has metrics of
// FaceFusion. It asks nothing where no exporter makes a page.
type pageFinder struct {
	logger   *zap.Logger
	loop     *poll.Loop
	client   *http.Client
	attempts int
	// schemes are those of the ports; "" for one that is not asked again.
	schemes map[netip.AddrPort]string
}

func newPageFinder(logger *zap.Logger) *pageFinder {
	f := &pageFinder{
		logger: logger, schemes: make(map[netip.AddrPort]string),
		client: &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: ownTLS}},
	}
	f.loop = poll.New(pageInterval, f.observe)
	return f
}

// ownTLS is for sockets of this very process, which need not prove who they are.
var ownTLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above

func (f *pageFinder) start(host component.Host) {
	if makesPage(host) {
		f.loop.Start()
	}
}

func (f *pageFinder) stop() { f.loop.Stop() }

// makesPage says that the Collector has an exporter of pages.
func makesPage(host component.Host) bool {
	h, knows := host.(interface {
		GetExporters() map[pipeline.Signal]map[component.ID]component.Component
	})
	if !knows {
		return false
	}
	for id := range h.GetExporters()[pipeline.SignalMetrics] {
		if id.Type().String() == "prometheus" {
			return true
		}
	}
	return false
}

func (f *pageFinder) observe(ctx context.Context) error {
	if f.attempts >= pageAttempts {
		return poll.ErrDone
	}
	f.attempts++
	listeners, err := hostnet.Listeners()
	if err != nil {
		return err //nolint:wrapcheck // nobody sees it
	}
	own, err := hostnet.HeldSockets("/proc/self/fd")
	if err != nil {
		return err //nolint:wrapcheck // nobody sees it
	}
	for _, l := range listeners {
		if !own[uint64(l.Inode)] {
			continue
		}
		host := l.Address.Addr()
		if host.IsUnspecified() {
			host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		address := netip.AddrPortFrom(host, l.Address.Port())
		scheme, known := f.schemes[address]
		if !known {
			scheme = schemeOf(ctx, address)
			f.schemes[address] = scheme
		}
		if scheme == "" {
			continue
		}
		url := scheme + "://" + address.String() + "/metrics"
		found, answers := f.hasFaceFusion(ctx, url)
		if !answers {
			// it wants a password, or a certificate, and would log each request
			f.schemes[address] = ""
		}
		if found {
			f.logger.Info("the page of metrics is ready", zap.String("url", url))
			return poll.ErrDone
		}
	}
	return nil
}

// schemeOf tries TLS: a server without it says nothing in its log of one who does, while one with
// it does of one who does not.
func schemeOf(ctx context.Context, address netip.AddrPort) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := (&tls.Dialer{Config: ownTLS}).DialContext(ctx, "tcp", address.String())
	if err == nil {
		_ = connection.Close() // nothing was sent
		return "https"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "http"
	}
	return ""
}

func (f *pageFinder) hasFaceFusion(ctx context.Context, url string) (found, answers bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false, false
	}
	answer, err := f.client.Do(request)
	if err != nil {
		return false, os.IsTimeout(err) // a busy machine
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, pageStart))
	answers = err == nil && answer.StatusCode == http.StatusOK
	return answers && bytes.Contains(text, []byte("\nfacefusion_")), answers
}
