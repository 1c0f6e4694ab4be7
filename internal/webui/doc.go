// Package webui says how the web interface of a FaceFusion is: whether it answers, how fast, and
// what Gradio tells of its queue and its functions.
//
// A Tracker remembers the servers of each instance between its passes. One pass (Observe) asks each
// server, in parallel, with requests that cost it next to nothing and change nothing in it:
//
//	loop     /startup-events      an async handler without dependencies: the event loop answers it
//	queue    /queue/status        readiness, and how many events wait; its login check takes a thread of the pool
//	app      /app_id              a sync handler: takes a thread of the pool; the answer changes with every start of the server
//	summary  /monitoring/summary  Gradio's statistics of each function, FaceFusion 3.5.0 and later; async
//
// The first three lie below /gradio_api from FaceFusion 3.1.0 on. With all threads taken (observed
// with Gradio 5.50.0) loop and summary are answered within milliseconds, queue and app not at all:
// that is the state saturated.
//
// Never asked are / and /config (a deep copy of the whole interface, with paths in it), /monitoring
// (it prints a key to FaceFusion's terminal), whatever streams, and HEAD. No text of an answer
// leaves the package.
package webui
