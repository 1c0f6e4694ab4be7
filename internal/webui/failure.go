package webui

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// The values of ProbeStats.ErrorType.
const (
	errorTimeout         = "timeout"
	errorRefused         = "connection_refused"
	errorReset           = "connection_reset"
	errorTLS             = "tls"
	errorInvalidResponse = "invalid_response"
	errorRedirect        = "redirect"
	errorOther           = "other"
	// errorNotProbed is not counted: nothing was sent.
	errorNotProbed = "not_probed"
)

// net/http has no error of its own for an answer that is no HTTP. It quotes the first line: a
// server of TLS sends an alert (0x15) of some version 3.
const (
	malformed = "malformed HTTP response"
	tlsAlert  = malformed + ` "\x15\x03`
)

// ErrNotProbed is the error of a transport that sends nothing, as it is not certain who would
// receive it. The server's state becomes StateNotProbed.
var ErrNotProbed = errors.New("not probed")

// countedStatus are the status codes that are counted separately, so that no server can make up
// series; the rest are errorOther.
var countedStatus = map[int]bool{
	http.StatusOK:                  true,
	http.StatusUnauthorized:        true,
	http.StatusForbidden:           true,
	http.StatusNotFound:            true,
	http.StatusMethodNotAllowed:    true,
	http.StatusTooManyRequests:     true,
	http.StatusInternalServerError: true,
	http.StatusBadGateway:          true,
	http.StatusServiceUnavailable:  true,
	http.StatusGatewayTimeout:      true,
}

// classify names the reason why no answer came.
func classify(err error) string {
	var netErr net.Error
	switch {
	case errors.Is(err, ErrNotProbed):
		return errorNotProbed
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return errorTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return errorRefused
	case isTLS(err), strings.Contains(err.Error(), tlsAlert):
		return errorTLS
	case strings.Contains(err.Error(), malformed):
		return errorInvalidResponse
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		// the server closed before or in the middle of its answer
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errorReset
	default:
		return errorOther
	}
}

func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}
