package gradio

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(s *Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestAnswers(t *testing.T) {
	rate, p50, p90, p99 := 1.0, 61.4, 130.2, 171.9
	s := New()
	s.Set(Behavior{
		Mode: Normal, AppID: 12345678901234567890, QueueSize: 2,
		Functions: map[string]FunctionSummary{"run": {SuccessRate: &rate, Percentiles: Percentiles{&p50, &p90, &p99}, Requests: 7}},
	})
	for _, test := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/gradio_api/startup-events", 200, `false`},
		{"GET", "/gradio_api/queue/status", 200, `{"msg":"estimation","event_id":null,"rank":null,"queue_size":2,"rank_eta":null}`},
		{"GET", "/gradio_api/app_id", 200, `{"app_id":12345678901234567890}`},
		{"GET", "/monitoring/summary", 200, `{"functions":{"run":{"success_rate":1,"process_time_percentiles":{"50th":61.4,"90th":130.2,"99th":171.9},"total_requests":7}}}`},
		{"GET", "/queue/status", 404, `{"detail":"Not Found"}`},
		{"HEAD", "/gradio_api/app_id", 405, `{"detail":"Method Not Allowed"}`},
	} {
		w := ask(s, test.method, test.path)
		assert.Equal(t, test.code, w.Code, test.path)
		assert.Equal(t, test.body, w.Body.String(), test.path)
		assert.Equal(t, "uvicorn", w.Header().Get("Server"))
	}
}

func TestSummaryBeforeTheFirstEvent(t *testing.T) {
	assert.Equal(t, `{"functions":{}}`, ask(New(), "GET", "/monitoring/summary").Body.String())
}

func TestModes(t *testing.T) {
	for mode, held := range map[Mode][]string{
		Normal:    nil,
		Saturated: {"/gradio_api/app_id"},
		Hang:      {"/gradio_api/app_id", "/gradio_api/queue/status", "/gradio_api/startup-events", "/monitoring/summary", "/"},
	} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New()
				s.Set(Behavior{Mode: mode})
				answered := map[string]bool{}
				for _, path := range []string{"/gradio_api/app_id", "/gradio_api/queue/status", "/gradio_api/startup-events", "/monitoring/summary", "/"} {
					done := make(chan struct{})
					go func() {
						ask(s, "GET", path)
						close(done)
					}()
					synctest.Wait()
					select {
					case <-done:
						answered[path] = true
					default:
					}
				}
				for _, path := range held {
					assert.False(t, answered[path], path)
				}
				assert.Len(t, answered, 5-len(held))

				// the bubble ends only if every held request is answered now
				s.Set(Behavior{Mode: Normal})
			})
		})
	}
}

func TestHeldRequestEndsWithItsClient(t *testing.T) {
	s := New()
	s.Set(Behavior{Mode: Hang})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
}

func TestModesGoRound(t *testing.T) {
	assert.Equal(t, Normal, Normal.Next().Next().Next())
}

func TestTally(t *testing.T) {
	var tally Tally
	tally.Begin("run")
	assert.Empty(t, tally.Summary(), "nothing has ended")

	tally.End("run", 10, true)
	tally.Begin("run")
	tally.End("run", 30, true)
	assert.JSONEq(t, `{"run":{"success_rate":1,"process_time_percentiles":{"50th":20,"90th":28,"99th":29.8},"total_requests":2}}`, text(t, tally))

	tally.Begin("run")
	tally.Begin("run")
	tally.End("run", 0, false)
	assert.JSONEq(t, `{"run":{"success_rate":0.6666666666666666,"process_time_percentiles":{"50th":null,"90th":null,"99th":null},"total_requests":4}}`, text(t, tally))
}

func text(t *testing.T, tally Tally) string {
	t.Helper()
	b, err := json.Marshal(tally.Summary())
	require.NoError(t, err)
	return string(b)
}
