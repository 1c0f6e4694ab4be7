package webui

import (
	"context"
	"encoding/json"
	"net/http"
)

// candidate is a path by which a server may be known.
type candidate struct {
	probe      ProbeName
	path       string
	understand func([]byte) error
	found      func(f *exchangeResult)
}

// candidates are asked in this order at first, and one by one later: Gradio 5, Gradio 3 and 4, and
// FaceFusion 4's api.
var candidates = [...]candidate{
	{ProbeLoop, gradioPrefix + loopPath, parseLoop, func(f *exchangeResult) { f.kind, f.flavour = KindGradio, flavourPrefixed }},
	{ProbeLoop, loopPath, parseLoop, func(f *exchangeResult) { f.kind = KindGradio }},
	{ProbeCapabilities, "/capabilities", parseCapabilities, func(f *exchangeResult) { f.kind, f.api = KindHTTP, true }},
}

// parseCapabilities understands what FaceFusion 4's api can do: an object, whatever is in it.
func parseCapabilities(body []byte) error {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil || answer == nil {
		return errNotGradio
	}
	return nil
}

// paths are the candidates of this exchange.
func (x *exchange) paths() []candidate {
	switch {
	case x.api:
		return candidates[2:]
	case x.attempt == 0:
		return candidates[:]
	default:
		n := x.attempt % len(candidates)
		return candidates[n : n+1]
	}
}

// identify asks a server that is not known to be a Gradio. It returns the one that answered as
// such.
func (x *exchange) identify() (gradio candidate, ok bool) {
	for _, c := range x.paths() {
		r := x.ask(c.probe, c.path, c.understand)
		if x.mayUpgrade(r) && x.speaksTLS(c.path) {
			x.finding.tls = true
			r = x.ask(c.probe, c.path, c.understand)
		}
		switch r.status {
		case http.StatusOK:
			c.found(&x.finding)
			x.finding.conclusion = concludedReady
			return c, x.finding.kind == KindGradio
		case http.StatusNotFound:
			x.finding.kind, x.finding.conclusion = KindHTTP, concludedAnswering
		default:
			x.conclude(r)
			return candidate{}, false
		}
	}
	return candidate{}, false
}

// conclude takes an answer that none of the candidates gives.
func (x *exchange) conclude(r response) {
	switch {
	case r.errorType == errorRefused:
		x.finding.conclusion = concludedRefused
	case r.errorType == errorNotProbed:
		x.finding.conclusion = concludedNotProbed
	case r.came == nothing, x.inBetween(r):
		x.finding.conclusion = concludedSilent
	case x.api && r.came == someHTTP:
		x.finding.conclusion = concludedAnswering // the api is in trouble, and its server is not
	case r.came == someHTTP:
		x.finding.kind, x.finding.conclusion = KindHTTP, concludedAnswering
	default:
		x.finding.conclusion = concludedAnswering
	}
}

// inBetween says that a configured endpoint did not answer, but somebody in front of it did: a
// gateway that does not reach it or lets nobody in, or one with a certificate that is not accepted.
func (x *exchange) inBetween(r response) bool {
	return !x.foundByProcess && (r.gatewayError || r.refused || r.errorType == errorTLS)
}

// speaksTLS tries it, which counts as no probe.
func (x *exchange) speaksTLS(path string) bool {
	ctx, cancel := context.WithTimeout(x.ctx, x.timeout)
	defer cancel()
	u := *x.url
	u.Scheme = "https"
	return get(ctx, x.client, u.JoinPath(path).String()).came == someHTTP
}

// mayUpgrade says that the server may speak TLS: it answered plain HTTP with an alert, closed the
// connection or complained (400). Whom we talk to is not verified then, as nothing secret is sent.
func (x *exchange) mayUpgrade(r response) bool {
	if !x.foundByProcess || x.finding.tls {
		return false
	}
	return r.errorType == errorTLS || r.errorType == errorReset || r.badRequest
}
