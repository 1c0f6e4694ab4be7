package webui

import (
	"context"
	"crypto/tls"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
)

// maxBody bounds what is read of an answer. The statistics of FaceFusion 3.8.1's 242 functions take
// about 45 KB.
const maxBody = 256 << 10

// Direct is a client without credentials that asks without a proxy, whatever HTTP_PROXY says: a
// request to a server of this host, or of a container on it, stays here. It verifies no
// certificate, as it sends nothing that a stranger must not have.
func Direct() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: dialToSpeakFirst, DisableKeepAlives: true,
		//nolint:gosec // as said above
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}
}

// dialToSpeakFirst hides what a server says before it was asked until it has been asked. To
// net/http that is an answer to no request: it closes the connection, and whether that happens
// depends on how busy the host is. gRPC speaks first, as do SSH, SMTP and many others.
func dialToSpeakFirst(ctx context.Context, network, address string) (net.Conn, error) {
	// Without probes of TCP, which are five system calls: it lives for a request.
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // net/http wraps it
	}
	return &patientConn{Conn: conn, asked: make(chan struct{})}, nil
}

// patientConn reads nothing before it has written something.
type patientConn struct {
	net.Conn
	once  sync.Once
	asked chan struct{}
}

func (c *patientConn) Read(b []byte) (int, error) {
	<-c.asked
	return c.Conn.Read(b) //nolint:wrapcheck // it is a connection
}

func (c *patientConn) Write(b []byte) (int, error) {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Write(b) //nolint:wrapcheck // it is a connection
}

func (c *patientConn) Close() error {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Close() //nolint:wrapcheck // it is a connection
}

// plainClient keeps the transport and nothing else of a client: a redirect is an answer, no cookie
// is kept, and each request has its own deadline.
func plainClient(c *http.Client) *http.Client {
	return &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// came is what came back from a server.
type came int

const (
	nothing came = iota
	// someBytes is what is no HTTP.
	someBytes
	someHTTP
)

// response is an answer as far as HTTP goes.
type response struct {
	came came
	// status is one of countedStatus, and 0 where errorType says why there is none that counts.
	status    int
	errorType string
	// body is there for a 200 only.
	body []byte
	// gatewayError says that somebody in front of the server answered in its stead, refused that we
	// are not let in, badRequest that the server did not understand.
	gatewayError, refused, badRequest bool
	// inside says that the server is observed from inside: it has the package
	// facefusion-observability.
	inside bool
}

// insideHeader is what that package adds to its answers to what identifies a server.
const insideHeader = "X-Facefusion-Inside"

// get sends one request and understands the answer as far as HTTP goes.
func get(ctx context.Context, client *http.Client, url string) response {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{errorType: errorOther}
	}
	req.Header.Set("Accept", "application/json")
	// without it net/http would ask for gzip and unpack any amount of it
	req.Header.Set("Accept-Encoding", "identity")
	// uvicorn drops an idle connection after 5 s, mostly between two passes: a new one for each
	// request cannot meet that race, shows whether the server still accepts, and holds nothing in a
	// server that wants to stop
	req.Close = true

	resp, err := client.Do(req)
	if err != nil {
		r := response{errorType: classify(err)}
		if r.errorType == errorTLS || r.errorType == errorInvalidResponse {
			r.came = someBytes
		}
		return r
	}
	defer resp.Body.Close()
	r := response{
		came:         someHTTP,
		gatewayError: resp.StatusCode >= http.StatusBadGateway && resp.StatusCode <= http.StatusGatewayTimeout,
		refused:      resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusProxyAuthRequired,
		badRequest:   resp.StatusCode == http.StatusBadRequest,
		inside:       resp.Header.Get(insideHeader) == "1",
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		r.errorType = errorRedirect
	case !countedStatus[resp.StatusCode]:
		r.errorType = errorOther
	case resp.StatusCode != http.StatusOK:
		// the body may be a traceback with paths in it: nobody reads it
		r.status = resp.StatusCode
	default:
		if r.body, r.errorType = readJSON(resp); r.errorType == "" {
			r.status = resp.StatusCode
		}
	}
	return r
}

// readJSON reads the body of an answer that says it is JSON, packed in nothing, up to maxBody.
func readJSON(resp *http.Response) ([]byte, string) {
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errorInvalidResponse
	}
	if mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, errorInvalidResponse
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, classify(err)
	}
	if len(body) > maxBody {
		return nil, errorInvalidResponse
	}
	return body, ""
}
