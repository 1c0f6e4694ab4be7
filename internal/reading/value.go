package reading

// Value is a reading that may be absent. The zero Value is absent.
type Value[T any] struct {
	V     T
	Known bool
}

// Known wraps a reading that was had.
func Known[T any](v T) Value[T] { return Value[T]{V: v, Known: true} }

// AddKnown adds those of two readings that are known; the result is unknown if neither is.
func AddKnown[T int64 | float64](a, b Value[T]) Value[T] {
	switch {
	case !b.Known:
		return a
	case !a.Known:
		return b
	}
	return Known(a.V + b.V)
}

// Sum adds two readings. A sum of which a part is not known is not known.
func Sum[T int64 | float64](a, b Value[T]) Value[T] {
	return Value[T]{V: a.V + b.V, Known: a.Known && b.Known}
}
