package webui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
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
	// flavourQueueless: FaceFusion 2.0 to 2.3 launch without a queue, so that /queue/status is a
	// 500, and prints a traceback.
	flavourQueueless
)

// question is what an exchange is to find out about a server.
type question struct {
	url     *url.URL
	kind    ServerKind
	flavour flavour
	// tls says that the server was found to speak TLS, api that it is FaceFusion 4's.
	tls, api bool
	// attempt counts the exchanges with this process in which something came back.
	attempt int
	// others are asked where the first address is not understood.
	others []Address
	// foundByProcess says that the server is not a configured endpoint.
	foundByProcess bool
	// pool says whether to ask what takes a thread of the pool, summary whether to ask for the
	// statistics.
	pool, summary bool
}

// conclusion is what the answers amount to.
type conclusion int

const (
	concludedSilent conclusion = iota
	concludedRefused
	concludedSaturated
	concludedReady
	concludedAnswering
	concludedNotProbed
)

// exchangeResult is what an exchange found.
type exchangeResult struct {
	conclusion conclusion
	outcomes   []requestOutcome
	kind       ServerKind
	flavour    flavour
	tls, api   bool
	// spoke says that something came back, inside that it came from a server that is observed from
	// inside.
	spoke, inside bool
	// tried are the other ports that were asked, elsewhere is the one that was understood.
	tried     []uint16
	elsewhere uint16
	// notFound says that a Gradio has none of the endpoints where they should be.
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

// exchange asks one server, one request after the other: it never takes more than one connection of
// it.
type exchange struct {
	ctx     context.Context
	client  *http.Client
	timeout time.Duration
	question
	finding exchangeResult
}

func (x *exchange) run() exchangeResult {
	x.finding.kind, x.finding.flavour, x.finding.tls, x.finding.api = x.kind, x.flavour, x.tls, x.api
	var prefix string
	if x.kind == KindGradio {
		var ok bool
		if prefix, ok = x.askLoop(); !ok {
			return x.finding
		}
	} else {
		gradio, ok := x.identify()
		if !ok {
			x.askOthers()
			return x.finding
		}
		prefix = strings.TrimSuffix(gradio.path, loopPath)
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

// askOthers asks the other addresses of the process, one after the other, until one is understood.
// What they answer counts nowhere: they are no server yet.
func (x *exchange) askOthers() {
	if x.finding.kind == KindGradio || x.finding.kind == KindHTTP {
		return
	}
	for _, other := range x.others {
		if x.ctx.Err() != nil {
			return
		}
		x.finding.tried = append(x.finding.tried, other.Port)
		o := exchange{ctx: x.ctx, client: x.client, timeout: x.timeout, question: question{url: other.URL, foundByProcess: x.foundByProcess}}
		o.identify()
		if o.finding.kind == KindGradio || o.finding.kind == KindHTTP {
			x.finding.elsewhere = other.Port
			return
		}
	}
}

const (
	// gradioPrefix is where Gradio 5 has its endpoints.
	gradioPrefix = "/gradio_api"
	// loopPath is answered by the event loop alone.
	loopPath = "/startup-events"
)

// askLoop asks the event loop of a Gradio.
func (x *exchange) askLoop() (prefix string, ok bool) {
	if x.flavour == flavourPrefixed {
		prefix = gradioPrefix
	}
	r := x.ask(ProbeLoop, prefix+loopPath, parseLoop)
	switch {
	case r.status == http.StatusOK:
		return prefix, true
	case r.errorType == errorRefused:
		x.finding.conclusion = concludedRefused
	case r.errorType == errorNotProbed:
		x.finding.conclusion = concludedNotProbed
	default:
		x.finding.notFound = r.status == http.StatusNotFound
	}
	return prefix, false
}

// askPool asks what takes a thread: the queue, then the app's id.
func (x *exchange) askPool(prefix string) conclusion {
	queueless := x.flavour == flavourQueueless
	if !queueless {
		r := x.ask(ProbeQueue, prefix+"/queue/status", func(body []byte) error {
			size, err := parseQueue(body)
			if err == nil {
				x.finding.queueSize = reading.Known(size)
			}
			return err
		})
		switch {
		case r.status == http.StatusOK:
			if prefix == "" {
				x.finding.flavour = flavourPlain
			}
		case r.errorType == errorTimeout:
			x.finding.poolTimedOut = true
			return concludedSaturated
		case r.status == http.StatusInternalServerError && x.flavour == flavourUnknown && prefix == "":
			queueless = true
		case r.errorType == errorNotProbed:
			return concludedNotProbed
		default:
			x.finding.notFound = r.status == http.StatusNotFound
			return concludedSilent
		}
	}
	r := x.ask(ProbeApp, prefix+"/app_id", func(body []byte) error {
		id, err := parseApp(body)
		if err == nil {
			x.finding.appID = reading.Known(id)
		}
		return err
	})
	switch {
	case r.status == http.StatusOK:
		if queueless {
			x.finding.flavour = flavourQueueless
		}
		return concludedReady
	case r.errorType == errorTimeout:
		x.finding.poolTimedOut = true
		return concludedSaturated
	case r.errorType == errorNotProbed:
		return concludedNotProbed
	default:
		x.finding.notFound = r.status == http.StatusNotFound
		return concludedSilent
	}
}

// askSummary asks for the statistics, which are not below the prefix. Gradio before 5.44.1 takes
// "summary" for a wrong key (403) or has no such path.
func (x *exchange) askSummary() {
	x.finding.summaryAsked = true
	r := x.ask(ProbeSummary, "/monitoring/summary", func(body []byte) (err error) {
		x.finding.summary, err = parseSummary(body, x.finding.queueSize.V)
		return err
	})
	x.finding.summaryAbsent = r.status == http.StatusNotFound || r.status == http.StatusForbidden
}

// ask sends one request, and notes how it went. A status that is not 0 is that of an answer; a 200
// was understood.
func (x *exchange) ask(probe ProbeName, path string, understand func([]byte) error) response {
	ctx, cancel := context.WithTimeout(x.ctx, x.timeout)
	defer cancel()
	u := *x.url
	if x.finding.tls {
		u.Scheme = "https"
	}
	begin := time.Now()
	r := get(ctx, x.client, u.JoinPath(path).String())
	took := time.Since(begin)
	if r.status == http.StatusOK {
		if err := understand(r.body); err != nil {
			r.status, r.errorType = 0, errorInvalidResponse
		}
	}
	if r.errorType == errorNotProbed {
		return r // no request was sent
	}
	x.finding.inside = x.finding.inside || r.inside
	x.finding.spoke = x.finding.spoke || r.came != nothing && !x.inBetween(r)
	x.finding.outcomes = append(x.finding.outcomes, requestOutcome{requestSeries: requestSeries{probe: probe, status: r.status, errorType: r.errorType}, seconds: took.Seconds()})
	return r
}
