package gradio

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Mode is the fault that the server plays.
type Mode string

// The modes.
const (
	// Normal answers everything.
	Normal Mode = "normal"
	// Saturated has no free thread: the event loop answers, but /gradio_api/app_id, which needs a
	// thread of the pool, does not.
	Saturated Mode = "saturated"
	// Hang accepts connections and answers nothing.
	Hang Mode = "hang"
)

// Next returns the following mode; Normal follows the last one.
func (m Mode) Next() Mode {
	return map[Mode]Mode{Normal: Saturated, Saturated: Hang, Hang: Normal}[m]
}

// Behavior are the values that the server reports.
type Behavior struct {
	Mode Mode `json:"mode"`
	// AppID is a random number in Gradio, new with every process. It needs all 64 bits.
	AppID uint64 `json:"app_id"`
	// QueueSize counts the events that wait, not those that run.
	QueueSize int `json:"queue_size"`
	// Tabs are open: each calls read_logs twice a second, which is counted since Since.
	Tabs  int       `json:"tabs"`
	Since time.Time `json:"since"`
	// Functions is the summary of Gradio's analytics.
	Functions map[string]FunctionSummary `json:"functions"`
}

// FunctionSummary is one entry of /monitoring/summary.
type FunctionSummary struct {
	SuccessRate *float64    `json:"success_rate"`
	Percentiles Percentiles `json:"process_time_percentiles"`
	Requests    int         `json:"total_requests"`
}

// Percentiles are seconds. Gradio says null for all three as soon as one request of the function
// runs, or has ever failed.
type Percentiles struct {
	P50 *float64 `json:"50th"`
	P90 *float64 `json:"90th"`
	P99 *float64 `json:"99th"`
}

// Handler is an http.Handler.
type Handler struct {
	mux *http.ServeMux

	mu      sync.Mutex
	state   Behavior
	changed chan struct{} // closed when state is replaced
}

// New returns a server without any request or tab so far.
func New() *Handler {
	s := &Handler{mux: http.NewServeMux(), state: Behavior{Mode: Normal}, changed: make(chan struct{})}
	s.get("/gradio_api/startup-events", func(Behavior) any { return false })
	s.get("/gradio_api/queue/status", func(state Behavior) any {
		return struct {
			Message   string   `json:"msg"`
			EventID   *string  `json:"event_id"`
			Rank      *int     `json:"rank"`
			QueueSize int      `json:"queue_size"`
			RankETA   *float64 `json:"rank_eta"`
		}{Message: "estimation", QueueSize: state.QueueSize}
	})
	s.get("/monitoring/summary", func(state Behavior) any {
		functions := maps.Clone(state.Functions)
		if functions == nil {
			functions = map[string]FunctionSummary{}
		}
		if polls := int(time.Since(state.Since).Seconds() * 2 * float64(state.Tabs)); state.Tabs > 0 && polls > 0 {
			rate := 1.0
			functions["read_logs"] = FunctionSummary{SuccessRate: &rate, Requests: polls}
		}
		return map[string]any{"functions": functions}
	})
	s.get("/gradio_api/app_id", func(state Behavior) any { return map[string]uint64{"app_id": state.AppID} }, Saturated)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusNotFound, map[string]string{"detail": "Not Found"})
	})
	return s
}

// Set replaces the reported values. Held requests are answered if the new mode answers them.
func (s *Handler) Set(state Behavior) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "uvicorn")
	if s.let(r, Hang) {
		s.mux.ServeHTTP(w, r)
	}
}

// get registers the answer at a path, which is held back in the given modes. Unlike net/http,
// FastAPI does not answer HEAD where it answers GET.
func (s *Handler) get(path string, answer func(Behavior) any, held ...Mode) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			reply(w, http.StatusMethodNotAllowed, map[string]string{"detail": "Method Not Allowed"})
			return
		}
		if s.let(r, held...) {
			s.mu.Lock()
			state := s.state
			s.mu.Unlock()
			reply(w, http.StatusOK, answer(state))
		}
	})
}

// let waits until the mode is none of held. It returns false if the client disconnects first.
func (s *Handler) let(r *http.Request, held ...Mode) bool {
	for {
		s.mu.Lock()
		mode, changed := s.state.Mode, s.changed
		s.mu.Unlock()
		if !slices.Contains(held, mode) {
			return true
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return false
		}
	}
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// An error means that the client has disconnected.
	text, _ := json.Marshal(body)
	_, _ = w.Write(text)
}
