package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// loadResult is what the agents sent and the gateway's CPU time for it.
type loadResult struct {
	points      float64
	latencies   []time.Duration
	err         error
	took, cpu   time.Duration
	resident    int64
	median, p99 time.Duration
}

// measure lets agents send for a while.
func measure(ctx context.Context, g *gateway, duration time.Duration, agents func(context.Context) loadResult) (loadResult, error) {
	before, err := g.cpu()
	if err != nil {
		return loadResult{}, err
	}
	begin := time.Now()
	until, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	r := agents(until)
	r.took = time.Since(begin)
	if err := errors.Join(r.err, ctx.Err()); err != nil {
		return r, err
	}
	if len(r.latencies) == 0 {
		return r, errors.New("no request was answered")
	}
	after, err := g.cpu()
	if err != nil {
		return r, err
	}
	r.cpu = after - before
	r.resident, err = g.resident()
	slices.Sort(r.latencies)
	r.median, r.p99 = r.latencies[len(r.latencies)/2].Round(time.Microsecond*100), r.latencies[len(r.latencies)*99/100].Round(time.Microsecond*100)
	return r, err
}

// send plays a number of agents of different hosts, at an interval or as fast as possible. It
// returns after the context has ended and the last request is answered.
func send(ctx context.Context, url string, requests []request, agents int, pace time.Duration) (all loadResult) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: agents}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range agents {
		packed := make([][]byte, len(requests))
		for i, r := range requests {
			packed[i] = r.packed(fmt.Sprintf("host-%d", n))
		}
		wg.Go(func() {
			var r loadResult
			// The agents start at random times, as real agents are not synchronized.
			if !pause(ctx, pace*time.Duration(n)/time.Duration(agents)) {
				return
			}
			for next := time.Now(); ctx.Err() == nil && r.err == nil; pause(ctx, time.Until(next)) {
				next = next.Add(pace)
				for i, body := range packed {
					begin := time.Now()
					if r.err = post(client, url, body); r.err != nil {
						break
					}
					r.latencies = append(r.latencies, time.Since(begin))
					r.points += float64(requests[i].points)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.points += r.points
			all.latencies = append(all.latencies, r.latencies...)
			all.err = errors.Join(all.err, r.err)
		})
	}
	wg.Wait()
	return all
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// post sends one agent's request. It ignores the end of the context, as pending requests count.
func post(client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Content-Encoding", "gzip")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, content)
	}
	return err
}
