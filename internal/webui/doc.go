// Package webui checks the web server of a FaceFusion: whether it answers, how fast, and what
// Gradio reports about its queue and its functions.
//
// A Tracker remembers the servers of each instance between its passes. One pass (Observe) asks each
// server, in parallel, with requests that cost it next to nothing and change nothing in it:
//
//	loop     /startup-events      async, without dependencies: answered by the event loop
//	queue    /queue/status        readiness and waiting events; its login check takes a pool thread
//	app      /app_id              sync: takes a pool thread; changes with every start of the server
//	summary  /monitoring/summary  async: statistics of each function, from FaceFusion 3.5.0 on
//
// The first three lie below /gradio_api from FaceFusion 3.1.0 on. With all threads taken (observed
// with Gradio 5.50.0) loop and summary are answered within milliseconds, queue and app not at all:
// that is the state saturated.
//
// Never asked are / and /config (a deep copy of the whole interface, with paths in it), /monitoring
// (it prints a key to FaceFusion's terminal), whatever streams, and HEAD. No text of an answer
// leaves the package.
package webui
