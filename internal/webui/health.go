package webui

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// HealthCheck is a request by which the operator of a server wants it judged. Many servers may
// share one.
type HealthCheck struct {
	// Client has the transport, with what is configured of TLS, authentication and headers.
	Client *http.Client
	// Method is GET by default.
	Method string
	URL    *url.URL
	// Status are the status codes of a healthy server; any 2xx by default.
	Status []int
	// Body must match the beginning of the answer (256 KiB); nil for any.
	Body *regexp.Regexp
	// Timeout is the deadline, Interval the time between two requests.
	Timeout, Interval time.Duration
}

// CheckResult is how the last health check of a server went.
type CheckResult struct {
	// Time is when it began.
	Time time.Time
	// OK says that the answer was that of a healthy server.
	OK bool
	// StatusCode of the answer; 0 when there was none.
	StatusCode int
	// ErrorType says why it is not OK: "status", "body", or one of those of ProbeStats.ErrorType.
	ErrorType string
	// Duration in seconds.
	Duration float64
	// CertificateExpiry is when the first of the server's certificates expires.
	CertificateExpiry reading.Value[time.Time]
}

// The values of CheckResult.ErrorType beside those of ProbeStats.ErrorType: the status code, or the
// body, is not that of a healthy server.
const (
	ErrorStatus = "status"
	ErrorBody   = "body"
)

// ask runs the check.
func (c *HealthCheck) ask(ctx context.Context) CheckResult {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	h := CheckResult{Time: time.Now()}
	h.ErrorType = c.judge(ctx, &h)
	h.Duration = time.Since(h.Time).Seconds()
	h.OK = h.ErrorType == ""
	return h
}

// judge returns the error type.
func (c *HealthCheck) judge(ctx context.Context, h *CheckResult) string {
	method := c.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL.String(), nil)
	if err != nil {
		return errorOther
	}
	req.Close = true // for the reasons in get
	resp, err := plainClient(c.Client).Do(req)
	if err != nil {
		if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			h.CertificateExpiry = expiry(refused.UnverifiedCertificates)
		}
		return classify(err)
	}
	defer resp.Body.Close()
	h.StatusCode = resp.StatusCode
	if resp.TLS != nil {
		h.CertificateExpiry = expiry(resp.TLS.PeerCertificates)
	}
	if !c.healthy(resp.StatusCode) {
		return ErrorStatus
	}
	if c.Body == nil {
		return ""
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case err != nil:
		return classify(err)
	case !c.Body.Match(body):
		return ErrorBody
	default:
		return ""
	}
}

func (c *HealthCheck) healthy(status int) bool {
	if len(c.Status) == 0 {
		return status >= 200 && status < 300
	}
	return slices.Contains(c.Status, status)
}

func expiry(certificates []*x509.Certificate) (first reading.Value[time.Time]) {
	for _, c := range certificates {
		if !first.Known || c.NotAfter.Before(first.V) {
			first = reading.Known(c.NotAfter)
		}
	}
	return first
}

// checked is what is known of a server by its health check.
type checked struct {
	check *HealthCheck
	// last is nil until there was one.
	last *CheckResult
	next time.Time
	// failures counts those in a row, and failed says that they are enough.
	failures int
	failed   bool
}

// assign gives a server its check. Another one begins anew.
func (c *checked) assign(check *HealthCheck) {
	if c.check != check {
		*c = checked{check: check}
	}
}

func (c *checked) due(now time.Time) bool { return c.check != nil && !now.Before(c.next) }

func (c *checked) absorb(h CheckResult, now time.Time, threshold int) {
	c.last = &h
	c.next = now.Add(c.check.Interval - c.check.Interval/10) // a pass may come a little early
	if c.failures++; h.OK {
		c.failures = 0
	}
	c.failed = c.failures >= threshold
}

// verdict is the state by the check; StateUnknown while it has nothing to say.
func (c *checked) verdict() ServerState {
	switch {
	case c.last == nil:
		return StateUnknown
	case c.last.OK:
		return StateReady
	case c.failed:
		return StateUnhealthy
	default:
		return StateUnknown
	}
}
