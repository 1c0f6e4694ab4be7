package configfile

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzParse: a text is a tree, or an error that says where, what and what to do; of a tree, every
// message has a place or none.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"receivers:\n  facefusion: {gpu: {}}\n", "a:\n\tb: 1\n", "a: [", "<<: *x", "&x [*x]", "? a\n: b", ""} {
		f.Add([]byte(text), "receivers facefusion gpu")
	}
	f.Fuzz(func(t *testing.T, text []byte, message string) {
		source, err := Parse("file", text)
		if err != nil {
			refusal := (*Error)(nil)
			assert.ErrorAs(t, err, &refusal)
			assert.NotEmpty(t, refusal.Where)
			assert.NotEmpty(t, refusal.Remedy)
			return
		}
		if where := Locate([]SourceFile{source}, message); where != "" {
			assert.Contains(t, where, "file")
		}
	})
}
