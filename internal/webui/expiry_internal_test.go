package webui

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// TestTheFirstCertificateToExpireCounts: of a chain, an intermediate one may be it.
func TestTheFirstCertificateToExpireCounts(t *testing.T) {
	at := func(days int) *x509.Certificate {
		return &x509.Certificate{NotAfter: time.Date(2030, 1, days, 0, 0, 0, 0, time.UTC)}
	}
	require.Equal(t, reading.Known(at(2).NotAfter), expiry([]*x509.Certificate{at(9), at(2), at(5)}))
	require.Equal(t, reading.Known(at(3).NotAfter), expiry([]*x509.Certificate{at(3)}))
	require.False(t, expiry(nil).Known)
}
