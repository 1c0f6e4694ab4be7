package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// pagePatience is how long the agent's page may take.
	pagePatience = 3 * time.Second
	// maxPage is that of some thousand instances.
	maxPage = 16 << 20
)

// checkRemembered asks the running agent's page for instances that do not run now: it remembers
// them, and who looks for some seconds only cannot. A page that wants a password or TLS is left
// alone, and so is one whose port is not the agent's.
func (c *resolvedConfig) checkRemembered(ctx context.Context, proc string, agent int, known []finding) (findings []finding) {
	for _, component := range c.Components() {
		address, _ := component.Settings["endpoint"].(string)
		if agent == 0 || component.Section != "exporters" || component.ID != "prometheus" || component.Settings["tls"] != nil || component.Settings["auth"] != nil {
			continue
		}
		if owner, _ := portOwner(proc, address); owner != agent {
			continue
		}
		page, err := fetchPage(ctx, "http://"+address+"/metrics")
		if err != nil {
			return []finding{{"facefusion", Info, component.String(), "the agent's page cannot be read, so what it remembers is missing here: " + err.Error(), ""}}
		}
		for _, id := range downOn(page) {
			if !mentions(known, id) {
				findings = append(findings, finding{"facefusion", Warning, id, "the running agent remembers it: it does not run now", "start it; one that is gone for good is forgotten after process.forget_after"})
			}
		}
	}
	return findings
}

func mentions(findings []finding, id string) bool {
	for _, f := range findings {
		if f.Check == "facefusion" && f.Subject == id {
			return true
		}
	}
	return false
}

func fetchPage(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	// Not the default one: a proxy of the environment has no business here.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	return string(text), err
}

var (
	downSeries = regexp.MustCompile(`^facefusion_process_up\{(.*)\} 0(?:\.0+)?(?: \d+)?$`)
	idLabel    = regexp.MustCompile(`(?:^|,)service_instance_id=("(?:[^"\\]|\\.)*")`)
)

// downOn are the instances that a page has as down.
func downOn(page string) (ids []string) {
	for line := range strings.Lines(page) {
		series := downSeries.FindStringSubmatch(strings.TrimSpace(line))
		if series == nil {
			continue
		}
		label := idLabel.FindStringSubmatch(series[1])
		if label == nil {
			continue
		}
		if id, err := strconv.Unquote(label[1]); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
