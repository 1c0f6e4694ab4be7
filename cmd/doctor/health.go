package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthPatience is shorter than the timeout of a container's health check.
const healthPatience = 5 * time.Second

// askHealth asks an agent how it is: the health check of an image that has neither a shell nor
// curl.
func askHealth(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// Not the default one: a proxy of the environment has no business here.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent is not well: %s", answer.Status)
	}
	return nil
}
