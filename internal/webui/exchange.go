package webui

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// flavour is where a server of a Gradio has its endpoints.
type flavour int

const (
	flavourUnknown flavour = iota
	// flavourPrefixed: below /gradio_api. Gradio 5, FaceFusion 3.1 and later.
	flavourPrefixed
	// flavourPlain: Gradio 3 and 4, FaceFusion 2.4 to 3.0.
	flavourPlain
	// flavourQueueless: FaceFusion 2.0 to 2.3 launch without a queue, so that /queue/status is a 500, and prints a traceback.
	flavourQueueless
)

// question is what a pass wants to know of a server.
type question struct {
	url     *url.URL
	flavour flavour
	// pool says whether to ask what takes a thread of the pool, summary whether to ask for the statistics.
	pool, summary bool
}

// conclusion is what the answers amount to.
type conclusion int

const (
	concludedSilent conclusion = iota
	concludedRefused
	concludedSaturated
	concludedReady
	concludedNotProbed
)

// finding is what a pass found.
type finding struct {
	conclusion conclusion
	outcomes   []outcome
	flavour    flavour
	// notFound says that the server has none of the endpoints where they should be.
	notFound bool
	// poolAsked says that the pool was asked, poolTimedOut that it did not answer.
	poolAsked, poolTimedOut bool
	queueSize               reading.Value[int64]
	appID                   reading.Value[uint64]
	summaryAsked            bool
	// summaryAbsent says that this server has no statistics, and will have none.
	summaryAbsent bool
	// summary is nil unless the statistics were had.
	summary map[string]functionStats
}

// exchange asks one server, one request after the other: it never takes more than one connection of it.
type exchange struct {
	ctx     context.Context
	client  *http.Client
	timeout time.Duration
	question
	finding finding
}

func (x *exchange) run() finding {
	x.finding.flavour = x.flavour
	prefix, ok := x.askLoop()
	if !ok {
		return x.finding
	}
	if x.summary && prefix != "" {
		x.askSummary()
	}
	x.finding.conclusion = concludedSaturated
	if x.pool {
		x.finding.poolAsked = true
		x.finding.conclusion = x.askPool(prefix)
	}
	return x.finding
}

// gradioPrefix is where Gradio 5 has its endpoints.
const gradioPrefix = "/gradio_api"

// askLoop asks the event loop, at both places while it is not known where.
func (x *exchange) askLoop() (prefix string, ok bool) {
	prefixes := []string{gradioPrefix, ""}
	switch x.flavour {
	case flavourPrefixed:
		prefixes = prefixes[:1]
	case flavourPlain, flavourQueueless:
		prefixes = prefixes[1:]
	}
	for _, prefix = range prefixes {
		status, errorType := x.ask(ProbeLoop, prefix+"/startup-events", parseLoop)
		switch {
		case status == http.StatusOK:
			if prefix != "" {
				x.finding.flavour = flavourPrefixed
			}
			return prefix, true
		case errorType == errorRefused:
			x.finding.conclusion = concludedRefused
			return prefix, false
		case errorType == errorNotProbed:
			x.finding.conclusion = concludedNotProbed
			return prefix, false
		case status != http.StatusNotFound:
			return prefix, false
		}
	}
	x.finding.notFound = true
	return prefix, false
}

// askPool asks what takes a thread: the queue, then the app's id.
func (x *exchange) askPool(prefix string) conclusion {
	queueless := x.flavour == flavourQueueless
	if !queueless {
		status, errorType := x.ask(ProbeQueue, prefix+"/queue/status", func(body []byte) error {
			size, err := parseQueue(body)
			if err == nil {
				x.finding.queueSize = reading.Known(size)
			}
			return err
		})
		switch {
		case status == http.StatusOK:
			if prefix == "" {
				x.finding.flavour = flavourPlain
			}
		case errorType == errorTimeout:
			x.finding.poolTimedOut = true
			return concludedSaturated
		case status == http.StatusInternalServerError && x.flavour == flavourUnknown && prefix == "":
			queueless = true
		case errorType == errorNotProbed:
			return concludedNotProbed
		default:
			x.finding.notFound = status == http.StatusNotFound
			return concludedSilent
		}
	}
	status, errorType := x.ask(ProbeApp, prefix+"/app_id", func(body []byte) error {
		id, err := parseApp(body)
		if err == nil {
			x.finding.appID = reading.Known(id)
		}
		return err
	})
	switch {
	case status == http.StatusOK:
		if queueless {
			x.finding.flavour = flavourQueueless
		}
		return concludedReady
	case errorType == errorTimeout:
		x.finding.poolTimedOut = true
		return concludedSaturated
	case errorType == errorNotProbed:
		return concludedNotProbed
	default:
		x.finding.notFound = status == http.StatusNotFound
		return concludedSilent
	}
}

// askSummary asks for the statistics, which are not below the prefix. Gradio before 5.44.1 takes "summary" for a wrong key (403) or has no such path.
func (x *exchange) askSummary() {
	x.finding.summaryAsked = true
	status, _ := x.ask(ProbeSummary, "/monitoring/summary", func(body []byte) (err error) {
		x.finding.summary, err = parseSummary(body)
		return err
	})
	x.finding.summaryAbsent = status == http.StatusNotFound || status == http.StatusForbidden
}

// ask sends one request, and notes how it went. A status that is not 0 is that of an answer; a 200 was understood.
func (x *exchange) ask(probe ProbeName, path string, understand func([]byte) error) (status int, errorType string) {
	ctx, cancel := context.WithTimeout(x.ctx, x.timeout)
	defer cancel()
	begin := time.Now()
	status, body, errorType := get(ctx, x.client, x.url.JoinPath(path).String())
	took := time.Since(begin)
	if status == http.StatusOK {
		if err := understand(body); err != nil {
			status, errorType = 0, errorInvalidResponse
		}
	}
	if errorType == errorNotProbed {
		return status, errorType // no request was sent
	}
	x.finding.outcomes = append(x.finding.outcomes, outcome{series: series{probe: probe, status: status, errorType: errorType}, seconds: took.Seconds()})
	return status, errorType
}
