package process

import "time"

func (w *watcher) poll(id ID) {
	if w.notify == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polled == nil {
		w.polled = make(map[ID]bool)
	}
	w.polled[id] = false
	if w.stop == nil {
		w.stop = make(chan struct{})
		stop := w.stop
		w.wg.Go(func() { w.pollUntil(stop) })
	}
}

func (w *watcher) unpoll(id ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.polled, id)
	if len(w.polled) == 0 && w.stop != nil {
		close(w.stop)
		w.stop = nil
	}
}

func (w *watcher) pollUntil(stop <-chan struct{}) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	// a buffer of its own: the Table's belongs to Observe
	own := files{proc: w.files.proc, buf: make([]byte, maxStat)}
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			if w.pollOnce(&own) {
				w.notify()
			}
		}
	}
}

// pollOnce says whether a process ended for which that was not said before.
func (w *watcher) pollOnce(f *files) bool {
	w.mu.Lock()
	ids := make([]ID, 0, len(w.polled))
	for id, reported := range w.polled {
		if !reported {
			ids = append(ids, id)
		}
	}
	w.mu.Unlock()
	ended := ids[:0]
	for _, id := range ids {
		s, err := f.stat(id.PID)
		if gone(err) || err == nil && (s.start != id.StartTicks || s.ended()) {
			ended = append(ended, id)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ended {
		if _, ok := w.polled[id]; ok {
			w.polled[id] = true
		}
	}
	return len(ended) > 0
}
