package jobqueue

// queue is what is to be checked, each once, first come first served.
type queue struct {
	places []place
	known  map[place]struct{}
	next   int
}

// keptPlaces bounds what is kept for the next look.
const keptPlaces = 1024

func (q *queue) push(at place) {
	if q.known == nil {
		q.known = make(map[place]struct{})
	}
	if _, there := q.known[at]; !there {
		q.known[at] = struct{}{}
		q.places = append(q.places, at)
	}
}

func (q *queue) pop() (place, bool) {
	if q.next == len(q.places) {
		if cap(q.places) > keptPlaces {
			*q = queue{} // a map keeps its size
		}
		q.places, q.next = q.places[:0], 0
		return place{}, false
	}
	at := q.places[q.next]
	q.next++
	delete(q.known, at)
	return at, true
}

func (q *queue) len() int { return len(q.places) - q.next }
