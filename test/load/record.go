package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// request is an agent's request for one scrape of one of its receivers.
type request struct {
	metrics      pmetric.Metrics
	points, size int
}

// packed returns the request of another host, encoded and compressed.
func (r request) packed(host string) []byte {
	metrics := pmetric.NewMetrics()
	r.metrics.CopyTo(metrics)
	for _, rm := range metrics.ResourceMetrics().All() {
		rm.Resource().Attributes().PutStr("host.name", host)
		if _, there := rm.Resource().Attributes().Get("host.id"); there {
			rm.Resource().Attributes().PutStr("host.id", host)
		}
	}
	plain, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
	if err != nil {
		panic(err) // it came from there
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(plain) // to memory
	_ = w.Close()
	return b.Bytes()
}

// warmUp is how long the agent runs before what it sends is what it always sends: slow readings are
// there, and jobs have ended.
const warmUp = 45 * time.Second

// record runs a real agent beside the simulator until it has sent a whole scrape of each of its two
// receivers.
func record(ctx context.Context, o options) (requests []request, err error) {
	ctx, cancel := context.WithTimeout(ctx, warmUp+30*time.Second)
	defer cancel()
	dir, err := os.MkdirTemp("", "load-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	received := make(chan pmetric.Metrics, 100)
	address, closeServer, err := serve(func(r *http.Request) error {
		if r.URL.Path != "/v1/metrics" {
			return nil // events and traces are few
		}
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		content, err := io.ReadAll(unpacked)
		if err != nil {
			return err
		}
		metrics, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(content)
		if err == nil {
			received <- metrics
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer closeServer()
	fast := filepath.Join(dir, "fast.yaml")
	if err := os.WriteFile(fast, []byte("receivers: {facefusion: {collection_interval: 5s}, host_metrics: {collection_interval: 5s}}\n"), 0o600); err != nil {
		return nil, err
	}
	agent, err := start(ctx, []string{"OTLP_ENDPOINT=http://" + address, "STATE_DIRECTORY=" + dir},
		o.simulator, "--dir", dir, "--gpus=8", "--instances=2", "--speed=30", "--",
		o.collector, "--config", o.agent, "--config", o.demo, "--config", o.allSignals, "--config", fast, quiet)
	if err != nil {
		return nil, err
	}
	defer agent.stop()
	return largest(ctx, received)
}

// largest waits for the warm-up, and takes the largest scrape of the receiver and that of the
// host's own metrics after it.
func largest(ctx context.Context, received <-chan pmetric.Metrics) ([]request, error) {
	var facefusion, host request
	ready := time.After(warmUp)
	for done := false; !done || facefusion.points == 0 || host.points == 0; {
		select {
		case <-ctx.Done():
			return nil, errors.New("the agent did not send metrics of FaceFusion and of the host")
		case <-ready:
			done = true
		case metrics := <-received:
			r := request{metrics: metrics, points: metrics.DataPointCount(), size: (&pmetric.ProtoMarshaler{}).MetricsSize(metrics)}
			to := &host
			if ofFaceFusion(metrics) {
				to = &facefusion
			}
			// A scrape in which nothing was known has no points, and no resource.
			if r.points > to.points {
				*to = r
			}
		}
	}
	return []request{facefusion, host}, nil
}

func ofFaceFusion(metrics pmetric.Metrics) bool {
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			if strings.Contains(sm.Scope().Name(), "facefusion") {
				return true
			}
		}
	}
	return false
}

// serve answers every POST on a port of its own.
func serve(take func(*http.Request) error) (address string, closeServer func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := take(r); err != nil {
				http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
			}
		}),
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return listener.Addr().String(), func() { _ = server.Close() }, nil
}
