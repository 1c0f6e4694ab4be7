package facefusionlogprocessor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
	"github.com/otelcol-facefusion/otelcol-facefusion/processor/facefusionlogprocessor/internal/metadata"
)

// harness is a processor with what it handed over.
type harness struct {
	*logProcessor
	out *consumertest.LogsSink
}

func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{out: &consumertest.LogsSink{}}
	h.logProcessor = create(t, change, h.out)
	return h
}

func create(t *testing.T, change func(*Config), next consumer.Logs) *logProcessor {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Receiver = component.MustNewIDWithName("facefusion", strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()))
	if change != nil {
		change(cfg)
	}
	p, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	return p.(*logProcessor)
}

// publish plays the receiver.
func (h *harness) publish(k *runlog.Known) {
	h.exchange.PublishInstances(k.Host, k.Instances)
	h.exchange.PublishRuns(k.Runs)
}

func (h *harness) consume(t *testing.T, logs plog.Logs) {
	t.Helper()
	require.NoError(t, h.ConsumeLogs(context.Background(), logs))
}

// records are all that came out, in order.
func (h *harness) records() []plog.LogRecord {
	var list []plog.LogRecord
	for _, logs := range h.out.AllLogs() {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

func (h *harness) bodies() []string {
	var list []string
	for _, r := range h.records() {
		list = append(list, r.Body().Str())
	}
	return list
}

func TestRecordSaysWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, func(c *Config) { c.Instance = "studio" })
		at := time.Now()
		h.consume(t, chunk(at, "/var/log/ff.log", 0, []byte("[FACEFUSION.CORE] processing step 2 of 3\n"+
			"\rprocessing: 100%|==========| 50/50 [00:08<00:00,  5.70frame/s, execution_providers=['cpu']]\n"+
			"[FACEFUSION.INFERENCE_MANAGER] loading model deoldify failed\n"+
			"Traceback (most recent call last):\n  File \"/home/anna/x.py\", line 1, in f\nOSError: [Errno 28] No space left on device: '/tmp/anna.png'\n")))
		time.Sleep(2 * time.Second)
		records := h.records()
		require.Len(t, records, 4)
		require.Equal(t, map[string]any{
			"facefusion.module": "FACEFUSION.CORE", "facefusion.step.index": int64(1), "facefusion.step.count": int64(3),
		}, records[0].Attributes().AsRaw())
		require.Equal(t, "facefusion.log.step_started", records[0].EventName())
		require.Equal(t, plog.SeverityNumberInfo, records[0].SeverityNumber())
		require.Equal(t, "INFO", records[0].SeverityText())
		require.Equal(t, at.UTC(), records[0].Timestamp().AsTime())
		require.InDelta(t, 8.77, records[1].Attributes().AsRaw()["facefusion.phase.duration"], 0.01)
		require.Equal(t, "processing", records[1].Attributes().AsRaw()["facefusion.phase"])
		require.Equal(t, true, records[1].Attributes().AsRaw()["facefusion.phase.completed"])
		require.Equal(t, map[string]any{
			"facefusion.module": "FACEFUSION.INFERENCE_MANAGER", "facefusion.step.index": int64(1), "facefusion.model": "deoldify", "facefusion.cause": "model_load_failed",
		}, records[2].Attributes().AsRaw())
		require.Equal(t, "FATAL", records[2].SeverityText())
		require.Equal(t, map[string]any{
			"facefusion.module": "python", "facefusion.cause": "disk_full", "exception.type": "OSError",
			"exception.message": "[Errno 28] No space left on device: '<path>'",
		}, records[3].Attributes().AsRaw())
		resource := h.out.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().AsRaw()
		require.Equal(t, map[string]any{"service.name": "facefusion", "service.instance.id": "studio"}, resource)
	})
}

// known is a receiver that knows a run of two steps.
func known(started, ended time.Time) *runlog.Known {
	return &runlog.Known{
		Host:      runlog.KnownHost{Name: "gpu-1", ID: "m1"},
		Instances: []runlog.KnownInstance{{ID: "facefusion-1", Version: "3.8.1", PIDs: []int{12}, Containers: []string{strings.Repeat("ab", 32)}}},
		Runs: []runlog.KnownRun{{
			Instance: "facefusion-1", Job: "nightly-001", Attempt: 1, Trace: [16]byte{1}, Root: [8]byte{2}, Started: started, Ended: ended,
			Steps: []runlog.KnownStep{{Started: started, Span: [8]byte{3}}, {Span: [8]byte{4}}},
		}},
	}
}

// TestEveryRecordOfARunBearsItsTrace plays a whole job beside a receiver that knows the run only
// after a while.
func TestEveryRecordOfARunBearsItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.publish(&runlog.Known{Instances: known(time.Now(), time.Time{}).Instances})
		data := recording(t, "recorded/3.8.1-job-run.stderr.log")
		started := time.Now()
		half := len(data) / 2
		h.consume(t, chunk(started, "/var/log/ff.log", 0, data[:half]))
		time.Sleep(time.Second)
		require.Empty(t, h.records(), "what belongs to a run waits for it")
		h.publish(known(started, time.Time{}))
		time.Sleep(2 * time.Second)
		k := known(started, time.Now())
		k.Runs[0].Steps[1].Started = started.Add(2 * time.Second)
		h.publish(k)
		time.Sleep(time.Second) // the file has moved before the last line is read
		h.consume(t, chunk(time.Now(), "/var/log/ff.log", half, data[half:]))
		time.Sleep(time.Second)
		records := h.records()
		require.Len(t, records, 10, strings.Join(h.bodies(), "\n"))
		spans := map[string]int{}
		for _, r := range records {
			require.Equal(t, pcommon.TraceID{1}, r.TraceID(), r.Body().Str())
			spans[r.SpanID().String()]++
		}
		require.Equal(t, map[string]int{
			pcommon.SpanID{2}.String(): 1, // running queued job
			pcommon.SpanID{3}.String(): 4, pcommon.SpanID{4}.String(): 5,
		}, spans)
		resource := h.out.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().AsRaw()
		require.Equal(t, map[string]any{
			"service.name": "facefusion", "service.instance.id": "facefusion-1", "service.version": "3.8.1", "host.name": "gpu-1", "host.id": "m1",
		}, resource)
	})
}

func TestRecordGoesOutWithoutItsRunInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		h.publish(&runlog.Known{})
		h.consume(t, chunk(time.Now(), "/var/log/ff.log", 0, []byte("[FACEFUSION.CORE] processing step 1 of 1\n")))
		time.Sleep(1900 * time.Millisecond)
		require.Empty(t, h.records())
		time.Sleep(time.Second)
		require.Len(t, h.records(), 1)
		require.True(t, h.records()[0].TraceID().IsEmpty())
	})
}

// TestTwoRunsOfTwoStreams: each stream has the lines of one of two runs that began at the same
// time.
func TestTwoRunsOfTwoStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		k := known(time.Now(), time.Time{})
		second := k.Runs[0]
		second.Job, second.Trace, second.Root = "other", [16]byte{9}, [8]byte{9}
		second.Started = second.Started.Add(time.Second)
		second.Steps = []runlog.KnownStep{{Started: second.Started, Span: [8]byte{8}}}
		k.Runs = append(k.Runs, second)
		h.publish(k)
		for _, path := range []string{"/a", "/b"} {
			h.consume(t, chunk(time.Now(), path, 0, []byte("[FACEFUSION.CORE] processing step 1 of 1\n[FACEFUSION.CORE] no source face detected!\n")))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		var jobs []any
		for _, r := range h.records() {
			jobs = append(jobs, r.Attributes().AsRaw()["facefusion.job.id"])
		}
		require.Equal(t, []any{"nightly-001", "nightly-001", "other", "other"}, jobs)
	})
}

func TestWhatTheLinesSayIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, nil)
		require.True(t, h.exchange.Attached())
		nudged := 0
		defer h.exchange.Subscribe(func() { nudged++ })()
		started := time.Now()
		h.publish(known(started, time.Time{}))
		for _, logs := range chunks(started, "/var/log/ff.log", recording(t, "real/3.8.1-exception.stderr"), 8<<10) {
			h.consume(t, logs)
		}
		time.Sleep(3 * time.Second)
		account := h.exchange.Account("facefusion-1", "nightly-001", started, time.Now())
		require.Equal(t, "inference_error", string(account.Cause().Cause))
		require.Contains(t, account.Cause().Text, "Non-zero status code")
		require.Len(t, account.Phases, 2)
		require.Equal(t, 1, account.Phases[0].Step)
		require.NotZero(t, nudged)
		logs := h.exchange.Logs()
		require.Len(t, logs, 1)
		require.Equal(t, int64(50), logs[0].Totals.Frames[0])
		require.True(t, h.exchange.Heard("facefusion-1"))
		require.NoError(t, h.Shutdown(context.Background()))
		require.Equal(t, int64(50), h.exchange.Logs()[0].Totals.Frames[0], "totals outlive the stream")
		require.False(t, h.exchange.Heard("facefusion-1"))
		require.False(t, h.exchange.Attached())
	})
}

func TestWhoseLinesTheseAre(t *testing.T) {
	id, pod := strings.Repeat("cd", 32), "0a1b2c3d-0000-1111-2222-0123456789ab"
	k := &runlog.Known{Instances: []runlog.KnownInstance{{ID: "a", PIDs: []int{12}}, {ID: "b", Containers: []string{id}, Pods: []string{pod}}}}
	for name, c := range map[string]struct {
		logs plog.Logs
		want string
	}{
		"by process":   {journal(time.Now(), "12", []byte("x\n"))[0], "a"},
		"by container": {docker(time.Now(), id, []byte("x\n"))[0], "b"},
		"by pod":       {chunk(time.Now(), "/var/log/pods/media_facefusion-0_"+pod+"/facefusion/0.log", 0, []byte("x\n")), "b"},
		"another pod":  {chunk(time.Now(), "/var/log/pods/media_other_1"+pod[1:]+"/facefusion/0.log", 0, []byte("x\n")), ""},
		"unknown":      {chunk(time.Now(), "/x", 0, []byte("x\n")), ""},
		"configured":   {named(chunk(time.Now(), "/x", 0, []byte("x\n")), "c"), "c"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, nil)
				h.publish(k)
				h.consume(t, c.logs)
				time.Sleep(time.Second)
				got, _ := h.out.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get("service.instance.id")
				require.Equal(t, c.want, got.Str())
			})
		})
	}
}

func named(logs plog.Logs, instance string) plog.Logs {
	logs.ResourceLogs().At(0).Resource().Attributes().PutStr("service.instance.id", instance)
	return logs
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, func(c *Config) { c.MaxStreams = 2 })
		for i := range 5 {
			h.consume(t, chunk(time.Now(), fmt.Sprint(i), 0, []byte("open.")))
			time.Sleep(time.Millisecond)
		}
		require.Len(t, h.streams, 2)
		time.Sleep(3 * time.Second)
		require.Len(t, h.records(), 5, "what was open is not lost")
	})
}

// refusingConsumer is a next component that refuses records until the test lets it accept them.
type refusingConsumer struct {
	consumertest.LogsSink
	mu  sync.Mutex
	err error
}

func (r *refusingConsumer) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *refusingConsumer) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	return r.LogsSink.ConsumeLogs(ctx, logs)
}

// TestNextIsAway: nothing is lost, and no more is taken than there is room for.
func TestNextIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &refusingConsumer{err: errors.New("away")}
		p := create(t, nil, next)
		line := []byte("line\n")
		sent := 0
		for i := 0; ; i++ {
			err := p.ConsumeLogs(context.Background(), chunk(time.Now(), "/x", i*len(line)*100, bytes.Repeat(line, 100)))
			if err != nil {
				require.ErrorIs(t, err, errFull)
				break
			}
			sent += 100
			synctest.Wait()
		}
		require.InDelta(t, queueLimit, sent, batchLimit+100)
		next.set(nil)
		time.Sleep(time.Minute)
		require.Equal(t, sent, next.LogRecordCount())
	})
}

func TestConfig(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, cfg.Validate())
	cfg.ProgressInterval, cfg.JoinTimeout, cfg.MaxStreams = time.Millisecond, time.Hour, 0
	require.EqualError(t, cfg.Validate(), "progress_interval is 1ms: give at least 1s, or 0s for no records about a running phase\n"+
		"join_timeout is 1h0m0s: give 10ms to 1m, 0s not to wait, or leave it out for 2s (a number without a unit is nanoseconds)\nmax_streams is 0: give at least 1, or leave it out for 64")

	cfg = createDefaultConfig().(*Config)
	cfg.JoinTimeout = 2
	require.ErrorContains(t, cfg.Validate(), "join_timeout is 2ns: give 10ms to 1m")
	cfg.JoinTimeout = 0
	require.NoError(t, cfg.Validate())
}

// TestNoPathLeavesByDefault looks for the paths of all recordings in all that comes out.
func TestNoPathLeavesByDefault(t *testing.T) {
	for _, include := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, func(c *Config) { c.IncludePaths = include })
			for _, logs := range chunks(time.Now(), "/home/anna/ff.log", append(recording(t, "real/3.8.1-monitored.stderr"), "x: '/home/anna/b.png'\n"...), 4<<10) {
				h.consume(t, logs)
			}
			time.Sleep(3 * time.Second)
			var all strings.Builder
			for _, r := range h.records() {
				text, err := json.Marshal(r.Attributes().AsRaw())
				require.NoError(t, err)
				fmt.Fprintln(&all, r.Body().Str(), string(text))
			}
			for _, private := range []string{"face fusion 3.8.1", "/home/anna/b.png"} {
				require.Equal(t, include, strings.Contains(all.String(), private), private)
			}
			require.NotContains(t, all.String(), "ff.log")
		})
	}
}
