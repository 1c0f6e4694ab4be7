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

// question is what a look wants to know of a server.
type question struct {
	url     *url.URL
	flavour flavour
	// pool says whether to ask what takes a thread of the pool, summary whether to ask for the statistics.
	pool, summary bool
}

// verdict is what the answers amount to.
type verdict int

const (
	verdictSilent verdict = iota
	verdictRefused
	verdictSaturated
	verdictReady
	verdictNotProbed
)

// finding is what a look found.
type finding struct {
	verdict  verdict
	outcomes []outcome
	flavour  flavour
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
	summary map[string]usage
}

// look asks one server, one request after the other: it never takes more than one connection of it.
type look struct {
	ctx     context.Context
	client  *http.Client
	timeout time.Duration
	question
	finding finding
}

func (l *look) run() finding {
	l.finding.flavour = l.flavour
	prefix, ok := l.askLoop()
	if !ok {
		return l.finding
	}
	if l.summary && prefix != "" {
		l.askSummary()
	}
	l.finding.verdict = verdictSaturated
	if l.pool {
		l.finding.poolAsked = true
		l.finding.verdict = l.askPool(prefix)
	}
	return l.finding
}

// gradioPrefix is where Gradio 5 has its endpoints.
const gradioPrefix = "/gradio_api"

// askLoop asks the event loop, at both places while it is not known where.
func (l *look) askLoop() (prefix string, ok bool) {
	prefixes := []string{gradioPrefix, ""}
	switch l.flavour {
	case flavourPrefixed:
		prefixes = prefixes[:1]
	case flavourPlain, flavourQueueless:
		prefixes = prefixes[1:]
	}
	for _, prefix = range prefixes {
		status, errorType := l.ask(ProbeLoop, prefix+"/startup-events", parseLoop)
		switch {
		case status == http.StatusOK:
			if prefix != "" {
				l.finding.flavour = flavourPrefixed
			}
			return prefix, true
		case errorType == errorRefused:
			l.finding.verdict = verdictRefused
			return prefix, false
		case errorType == errorNotProbed:
			l.finding.verdict = verdictNotProbed
			return prefix, false
		case status != http.StatusNotFound:
			return prefix, false
		}
	}
	l.finding.notFound = true
	return prefix, false
}

// askPool asks what takes a thread: the queue, then the app's id.
func (l *look) askPool(prefix string) verdict {
	queueless := l.flavour == flavourQueueless
	if !queueless {
		status, errorType := l.ask(ProbeQueue, prefix+"/queue/status", func(body []byte) error {
			size, err := parseQueue(body)
			if err == nil {
				l.finding.queueSize = reading.Known(size)
			}
			return err
		})
		switch {
		case status == http.StatusOK:
			if prefix == "" {
				l.finding.flavour = flavourPlain
			}
		case errorType == errorTimeout:
			l.finding.poolTimedOut = true
			return verdictSaturated
		case status == http.StatusInternalServerError && l.flavour == flavourUnknown && prefix == "":
			queueless = true
		case errorType == errorNotProbed:
			return verdictNotProbed
		default:
			l.finding.notFound = status == http.StatusNotFound
			return verdictSilent
		}
	}
	status, errorType := l.ask(ProbeApp, prefix+"/app_id", func(body []byte) error {
		id, err := parseApp(body)
		if err == nil {
			l.finding.appID = reading.Known(id)
		}
		return err
	})
	switch {
	case status == http.StatusOK:
		if queueless {
			l.finding.flavour = flavourQueueless
		}
		return verdictReady
	case errorType == errorTimeout:
		l.finding.poolTimedOut = true
		return verdictSaturated
	case errorType == errorNotProbed:
		return verdictNotProbed
	default:
		l.finding.notFound = status == http.StatusNotFound
		return verdictSilent
	}
}

// askSummary asks for the statistics, which are not below the prefix. Gradio before 5.44.1 takes "summary" for a wrong key (403) or has no such path.
func (l *look) askSummary() {
	l.finding.summaryAsked = true
	status, _ := l.ask(ProbeSummary, "/monitoring/summary", func(body []byte) (err error) {
		l.finding.summary, err = parseSummary(body)
		return err
	})
	l.finding.summaryAbsent = status == http.StatusNotFound || status == http.StatusForbidden
}

// ask sends one request, and notes how it went. A status that is not 0 is that of an answer; a 200 was understood.
func (l *look) ask(probe Probe, path string, understand func([]byte) error) (status int, errorType string) {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	begin := time.Now()
	status, body, errorType := get(ctx, l.client, l.url.JoinPath(path).String())
	took := time.Since(begin)
	if status == http.StatusOK {
		if err := understand(body); err != nil {
			status, errorType = 0, errorInvalidResponse
		}
	}
	if errorType == errorNotProbed {
		return status, errorType // no request was sent
	}
	l.finding.outcomes = append(l.finding.outcomes, outcome{series: series{probe: probe, status: status, errorType: errorType}, seconds: took.Seconds()})
	return status, errorType
}
