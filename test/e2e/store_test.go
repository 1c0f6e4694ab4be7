//go:build e2e && durability

package e2e

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// otlpStore is an OTLP store for all signals that the test can make unavailable. It keeps whatever
// it acknowledged.
type otlpStore struct {
	ledger  *ledger
	address string
	server  *http.Server
}

// newStore listens immediately, on a port that it keeps.
func newStore(t *testing.T) *otlpStore {
	t.Helper()
	s := &otlpStore{ledger: newLedger(), address: fmt.Sprintf("127.0.0.1:%d", steadyPorts(t, 1)[0])}
	s.back(t)
	t.Cleanup(func() { s.server.Close() })
	return s
}

func (s *otlpStore) url() string { return "http://" + s.address }

func (s *otlpStore) back(t *testing.T) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", s.address)
	require.NoError(t, err)
	s.server = &http.Server{Handler: s}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
}

// away closes the port and every connection, active ones included.
func (s *otlpStore) away(t *testing.T) {
	t.Helper()
	require.NoError(t, s.server.Close())
}

func (s *otlpStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (s *otlpStore) take(r *http.Request) error {
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		return err
	}
	// A request to export is, on the wire, the data.
	switch r.URL.Path {
	case "/v1/metrics":
		metrics, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
		if err == nil {
			s.ledger.metrics(metrics)
		}
		return err
	case "/v1/logs":
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
		if err == nil {
			s.ledger.logs(logs)
		}
		return err
	case "/v1/traces":
		traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
		if err == nil {
			s.ledger.traces(traces)
		}
		return err
	}
	return fmt.Errorf("no such signal: %s", r.URL.Path)
}

// samplesOf reads every sample that a Prometheus has of the last ten minutes.
func samplesOf(t *testing.T, port int, into *ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	query := url.Values{"query": {`{__name__!~"|target_info|up|scrape_.*"}[10m]`}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?%s", port, query.Encode()), nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	var result struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]json.RawMessage
			}
		}
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&result))
	require.Equal(t, "success", result.Status, result.Error)
	for _, series := range result.Data.Result {
		for _, value := range series.Values {
			var seconds float64
			require.NoError(t, json.Unmarshal(value[0], &seconds))
			into.sample(fmt.Sprint(series.Metric), int64(seconds*1000+0.5), 1)
		}
	}
}
