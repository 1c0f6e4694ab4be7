package jobqueue

// worklist is what is to be checked, each once, first come first served.
type worklist struct {
	keys   []fileKey
	queued map[fileKey]bool // whether it was admitted
	next   int
	// admitted are how many of them a listing found that were not known.
	admitted int
}

// keptKeys bounds what is kept for the next pass.
const keptKeys = 1024

func (q *worklist) push(at fileKey) { q.add(at, false) }

// pushNew is push for what was not known.
func (q *worklist) pushNew(at fileKey) { q.add(at, true) }

func (q *worklist) add(at fileKey, admitted bool) {
	if q.has(at) {
		return
	}
	if q.queued == nil {
		q.queued = make(map[fileKey]bool)
	}
	q.queued[at] = admitted
	q.keys = append(q.keys, at)
	if admitted {
		q.admitted++
	}
}

func (q *worklist) has(at fileKey) bool {
	_, there := q.queued[at]
	return there
}

func (q *worklist) pop() (fileKey, bool) {
	if q.next == len(q.keys) {
		if cap(q.keys) > keptKeys {
			*q = worklist{} // a map keeps its size
		}
		q.keys, q.next = q.keys[:0], 0
		return fileKey{}, false
	}
	at := q.keys[q.next]
	q.next++
	if q.queued[at] {
		q.admitted--
	}
	delete(q.queued, at)
	return at, true
}

func (q *worklist) len() int { return len(q.keys) - q.next }
