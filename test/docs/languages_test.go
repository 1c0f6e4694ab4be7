package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	comment  = regexp.MustCompile(`\s+#.*$|^#.*$`)
	codeSpan = regexp.MustCompile("`[^`]+`")
)

// skeleton is what is the same in both languages: the levels of headings, the number of rows of
// each table, commands without their comments, and words in code font.
type skeleton struct {
	headings []int
	rows     []int
	commands []string
	words    map[string]bool
}

// TestBothLanguagesSayTheSame: the pages of the first hour are there in English and Chinese, with
// the same sections, tables and commands, and no word of a command or a configuration is in one
// alone.
func TestBothLanguagesSayTheSame(t *testing.T) {
	for _, page := range []string{"README", "docs/install", "docs/troubleshooting"} {
		t.Run(page, func(t *testing.T) {
			english, chinese := skeletonOf(t, page+".md"), skeletonOf(t, page+".zh-CN.md")
			assert.Equal(t, english.headings, chinese.headings, "levels of headings")
			assert.Equal(t, english.rows, chinese.rows, "rows of tables")
			assert.Equal(t, english.commands, chinese.commands, "commands")
			assert.Equal(t, english.words, chinese.words, "words in code font")
		})
	}
}

func skeletonOf(t *testing.T, page string) skeleton {
	t.Helper()
	text, err := os.ReadFile("../../" + page)
	require.NoError(t, err)
	s := skeleton{words: map[string]bool{}}
	code, drawing, table := false, false, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		isRow := !code && strings.HasPrefix(line, "|")
		switch {
		case strings.HasPrefix(line, "```"):
			// what has no language is a drawing, with its legend
			code, drawing = !code, line == "```"
		case code && drawing:
		case code:
			if command := strings.TrimRight(comment.ReplaceAllString(line, ""), " "); command != "" {
				s.commands = append(s.commands, command)
			}
		case strings.HasPrefix(line, "#"):
			s.headings = append(s.headings, strings.IndexByte(line, ' '))
		case isRow && !table:
			s.rows = append(s.rows, 1)
		case isRow:
			s.rows[len(s.rows)-1]++
		}
		table = isRow
		if !code {
			for _, word := range codeSpan.FindAllString(line, -1) {
				s.words[word] = true
			}
		}
	}
	require.NotEmpty(t, s.headings)
	return s
}
