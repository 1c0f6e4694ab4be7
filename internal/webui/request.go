package webui

import (
	"context"
	"io"
	"mime"
	"net"
	"net/http"
)

// maxBody bounds what is read of an answer. The statistics of FaceFusion 3.8.1's 242 functions take about 45 KB.
const maxBody = 256 << 10

// Direct is a client without credentials that asks without a proxy, whatever HTTP_PROXY says: a
// request to a server of this host, or of a container on it, stays here.
func Direct() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}}
}

// plainClient keeps the transport and nothing else of a client: a redirect is an answer, no cookie is kept, and each request has its own deadline.
func plainClient(c *http.Client) *http.Client {
	return &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get sends one request and understands the answer as far as HTTP goes. An empty errorType means that status counts;
// the body is there for a 200 only.
func get(ctx context.Context, client *http.Client, url string) (status int, body []byte, errorType string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, errorOther
	}
	req.Header.Set("Accept", "application/json")
	// without it net/http would ask for gzip and unpack any amount of it
	req.Header.Set("Accept-Encoding", "identity")
	// uvicorn drops an idle connection after 5 s, mostly between two passes: a new one for each request cannot meet that race,
	// shows whether the server still accepts, and holds nothing in a server that wants to stop
	req.Close = true

	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, classify(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, nil, errorRedirect
	case !countedStatus[resp.StatusCode]:
		return 0, nil, errorOther
	case resp.StatusCode != http.StatusOK:
		// the body may be a traceback with paths in it: nobody reads it
		return resp.StatusCode, nil, ""
	}
	body, errorType = readJSON(resp)
	if errorType != "" {
		return 0, nil, errorType
	}
	return resp.StatusCode, body, ""
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
