package jobqueue

// worklist is what is to be checked, each once, first come first served.
type worklist struct {
	keys   []fileKey
	queued map[fileKey]struct{}
	next   int
}

// keptKeys bounds what is kept for the next pass.
const keptKeys = 1024

func (q *worklist) push(at fileKey) {
	if q.queued == nil {
		q.queued = make(map[fileKey]struct{})
	}
	if _, there := q.queued[at]; !there {
		q.queued[at] = struct{}{}
		q.keys = append(q.keys, at)
	}
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
	delete(q.queued, at)
	return at, true
}

func (q *worklist) len() int { return len(q.keys) - q.next }
