package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxWidth is the column after which a comment is wrapped.
	maxWidth = 100
	// tabWidth is how many columns a tab counts.
	tabWidth = 4
)

var (
	// fixed is a line that is no running text: indented, an item of a list, a heading, a directive
	// or a line of a table.
	fixed = regexp.MustCompile(`^//($|\S|\s{2,}|\t| [-*+•#|] | \d+[.)] | \+build)`)
	// item is the begin of an item of a list, up to its text.
	item = regexp.MustCompile(`^//( +(?:[-*+•]|\d+[.)]) +)\S`)
	// directive is a comment to a tool.
	directive = regexp.MustCompile(`^//\S*(go:|nolint|export |line )`)
)

// reflow returns the source with its comments wrapped. It is formatted as gofmt does.
func reflow(source []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return source, nil
	}
	lines := strings.Split(string(source), "\n")
	// From the last to the first, so that the numbers of the lines before stay true.
	for _, group := range slices.Backward(file.Comments) {
		lines = wrapGroup(fset, lines, group)
	}
	after := []byte(strings.Join(lines, "\n"))
	if bytes.Equal(source, after) {
		return source, nil
	}
	return format.Source(after)
}

func wrapGroup(fset *token.FileSet, lines []string, group *ast.CommentGroup) []string {
	first, last := fset.Position(group.Pos()), fset.Position(group.End())
	if !strings.HasPrefix(group.List[0].Text, "//") {
		return lines
	}
	at := first.Line - 1
	if code := lines[at][:first.Column-1]; strings.TrimSpace(code) != "" {
		if len(group.List) > 1 {
			return lines // what goes on below the code was aligned by hand
		}
		return slices.Replace(lines, at, at+1, liftTrailing(lines[at], code, group.List[0].Text)...)
	}
	return slices.Replace(lines, at, last.Line, wrapLines(lines[at:last.Line])...)
}

// liftTrailing puts a comment that is too wide above the line of its code.
func liftTrailing(line, code, comment string) []string {
	if width(line) <= maxWidth || directive.MatchString(comment) {
		return []string{line}
	}
	indent := code[:len(code)-len(strings.TrimLeft(code, "\t "))]
	return append(fill(indent, " ", " ", []string{comment}), strings.TrimRight(code, "\t "))
}

// wrapLines fills the paragraphs of a comment that have a line that is too wide.
func wrapLines(lines []string) (wrapped []string) {
	for len(lines) > 0 {
		marker, hanging := " ", " "
		n := paragraph(lines)
		if n == 0 {
			marker, hanging, n = listItem(lines)
		}
		tooWide := func(line string) bool { return width(line) > maxWidth }
		switch {
		case n == 0: // a line that stays as it is
			wrapped, n = append(wrapped, lines[0]), 1
		case slices.ContainsFunc(lines[:n], tooWide):
			indent, _, _ := strings.Cut(lines[0], "//")
			wrapped = append(wrapped, fill(indent, marker, hanging, lines[:n])...)
		default:
			wrapped = append(wrapped, lines[:n]...)
		}
		lines = lines[n:]
	}
	return wrapped
}

// listItem is how many of the lines are one item of a list, with what is in front of its text in
// the first line and in the others; 0 where none begins.
func listItem(lines []string) (marker, hanging string, n int) {
	match := item.FindStringSubmatch(strings.TrimLeft(lines[0], "\t "))
	if match == nil {
		return "", "", 0
	}
	marker = match[1]
	hanging = strings.Repeat(" ", utf8.RuneCountInString(marker))
	for n = 1; n < len(lines); n++ {
		line := strings.TrimLeft(lines[n], "\t ")
		if !strings.HasPrefix(line, "//"+hanging) || item.MatchString(line) || strings.TrimPrefix(line, "//"+hanging) == "" || line[2+len(hanging)] == ' ' {
			break
		}
	}
	return marker, hanging, n
}

// paragraph is how many of the lines are running text that belongs together.
func paragraph(lines []string) (n int) {
	for n < len(lines) && !fixed.MatchString(strings.TrimLeft(lines[n], "\t ")) {
		n++
	}
	return n
}

// fill distributes the words of comment lines on lines that are not too wide. A single word may be.
// marker is in front of the first word, hanging in front of that of each further line.
func fill(indent, marker, hanging string, comments []string) (filled []string) {
	var words []string
	for i, comment := range comments {
		text := strings.TrimPrefix(strings.TrimLeft(comment, "\t "), "//")
		if i == 0 {
			text = strings.TrimPrefix(text, marker)
		}
		words = append(words, strings.Fields(text)...)
	}
	line := indent + "//" + marker + words[0]
	for _, word := range words[1:] {
		if width(line)+1+utf8.RuneCountInString(word) > maxWidth {
			filled = append(filled, line)
			line = indent + "//" + hanging + word
			continue
		}
		line += " " + word
	}
	return append(filled, line)
}

// width is the number of columns of a line.
func width(line string) int {
	return utf8.RuneCountInString(line) + (tabWidth-1)*strings.Count(line, "\t")
}
