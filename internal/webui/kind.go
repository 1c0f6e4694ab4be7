package webui

import "time"

// ServerKind is what a server turned out to be. The set is fixed, so that it may become an
// attribute.
type ServerKind string

// The kinds.
const (
	// KindGradio is FaceFusion's web UI, or whatever else serves Gradio.
	KindGradio ServerKind = "gradio"
	// KindHTTP answers HTTP, and is no Gradio: FaceFusion 4's api, a FastAPI service around it.
	KindHTTP ServerKind = "http"
	// KindUnknown has not answered HTTP: not yet, or because it speaks something else.
	KindUnknown ServerKind = "unknown"
)

const (
	// unknownInterval is how often a server is asked that is no Gradio: each request is a line in
	// its access log, mostly a 404. Its silence is therefore known after two minutes.
	unknownInterval = time.Minute
	// apiInterval is how often FaceFusion 4's api is asked for its capabilities.
	apiInterval = 15 * time.Second
)

// interval is the time until a server that was just asked is asked again; 0 for each pass.
func (s *processState) interval() time.Duration {
	switch {
	case s.kind == KindGradio, !s.spoke:
		return 0
	case s.api:
		return apiInterval
	default:
		return unknownInterval
	}
}
