package probe

import (
	"fmt"
	"iter"
)

// Enum is an attribute with a fixed set of values, as mdatagen generates it: numbered from 1,
// without a text beyond the last.
type Enum interface {
	~int
	fmt.Stringer
}

// Values goes through all values of an enum, in the order of metadata.yaml: a state that is known
// not to be is sent as zero.
func Values[T Enum]() iter.Seq[T] {
	return func(yield func(T) bool) {
		for v := T(1); v.String() != ""; v++ {
			if !yield(v) {
				return
			}
		}
	}
}

// OneIf is the value of a state.
func OneIf(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
