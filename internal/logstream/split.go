package logstream

import "bytes"

const (
	// recordLimit bounds a record: the longest that FaceFusion itself writes, a bar with all its
	// providers, has some 200 bytes; errors of onnxruntime have up to a few KiB.
	recordLimit = 16 << 10
)

// splitter cuts a stream into records, which end with a carriage return or a newline, and keeps
// what has not ended yet.
type splitter struct {
	carry []byte
	// taken is how much of carry was handed over already, because it was a whole record of a bar.
	// What comes after was glued to it.
	taken int
	// dropped counts the bytes of the record at hand that were beyond recordLimit.
	dropped int
}

// piece is a record, or what is known of it.
type piece struct {
	text []byte
	// end is '\r' or '\n', or 0 while it has not come.
	end byte
	// dropped counts the bytes that were left out.
	dropped int
}

// write takes what comes next and hands over each record that ended. Their text is valid during the
// call.
func (s *splitter) write(data []byte, emit func(piece)) {
	cr, lf := bytes.IndexByte(data, '\r'), bytes.IndexByte(data, '\n')
	for offset := 0; ; {
		end := earlier(cr, lf)
		if end < 0 {
			s.keep(data[offset:])
			return
		}
		s.finish(data[offset:end], data[end], emit)
		offset = end + 1
		if end == cr {
			cr = next(data, offset, '\r')
		} else {
			lf = next(data, offset, '\n')
		}
	}
}

// finish hands over the record that ends here.
func (s *splitter) finish(data []byte, end byte, emit func(piece)) {
	if len(s.carry) == 0 && len(data) <= recordLimit {
		emit(piece{text: trimNUL(data), end: end}) // the usual case copies nothing
		return
	}
	s.keep(data)
	emit(piece{text: s.carry[s.taken:], end: end, dropped: s.dropped})
	s.carry, s.taken, s.dropped = s.carry[:0], 0, 0
}

func (s *splitter) keep(data []byte) {
	if len(s.carry) == 0 {
		data = trimNUL(data)
	}
	room := max(recordLimit-len(s.carry), 0)
	if len(data) > room {
		s.dropped += len(data) - room
		data = data[:room]
	}
	s.carry = append(s.carry, data...)
}

// open is what has come of a record that has not ended, and was not handed over.
func (s *splitter) open() []byte { return s.carry[s.taken:] }

// take marks the open record as handed over.
func (s *splitter) take() { s.taken = len(s.carry) }

// flush hands over what has not ended, as it is.
func (s *splitter) flush(emit func(piece)) {
	if s.taken < len(s.carry) {
		emit(piece{text: s.carry[s.taken:], dropped: s.dropped})
	}
	s.carry, s.taken, s.dropped = s.carry[:0], 0, 0
}

// trimNUL drops the hole that a writer leaves in a file that was truncated under it: millions of
// zero bytes before its next record.
func trimNUL(data []byte) []byte {
	if len(data) > 0 && data[0] == 0 {
		return bytes.TrimLeft(data, "\x00")
	}
	return data
}

func next(data []byte, from int, b byte) int {
	if i := bytes.IndexByte(data[from:], b); i >= 0 {
		return from + i
	}
	return -1
}

func earlier(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
