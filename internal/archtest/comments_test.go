package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"testing"
)

// firstWord is what a comment begins with where that is a name and no sentence: a sentence begins
// with a capital, and a name of several words has one within.
var firstWord = regexp.MustCompile(`^([a-z]\w*|[A-Z]\w*[a-z][A-Z]\w*)\b`)

// products begin sentences, and are written as names are.
var products = []string{"FaceFusion", "WeCom"}

// TestCommentsNameWhatTheyDescribe: a comment that begins with a name begins with the declared one,
// and not with that of before a renaming.
func TestCommentsNameWhatTheyDescribe(t *testing.T) {
	seen := 0
	for path, file := range files(t) {
		ast.Inspect(file, func(node ast.Node) bool {
			names, doc := described(node)
			if doc == nil || len(names) == 0 {
				return true
			}
			word := firstWord.FindString(doc.Text())
			if word == "" || slices.Contains(products, word) {
				return true
			}
			seen++
			if !slices.Contains(names, word) {
				t.Errorf("%s: the comment of %s begins with %q", path, names[0], word)
			}
			return true
		})
	}
	if seen < 3000 {
		t.Errorf("only %d comments were seen", seen)
	}
}

// described are the names that a node declares, and its comment.
func described(node ast.Node) (names []string, doc *ast.CommentGroup) {
	switch n := node.(type) {
	case *ast.FuncDecl:
		return []string{n.Name.Name}, n.Doc
	case *ast.TypeSpec:
		return []string{n.Name.Name}, n.Doc
	case *ast.ValueSpec:
		return all(n.Names), n.Doc
	case *ast.Field:
		return all(n.Names), n.Doc
	case *ast.GenDecl:
		if n.Tok == token.IMPORT || n.Lparen.IsValid() || len(n.Specs) != 1 {
			return nil, nil
		}
		names, _ = described(n.Specs[0])
		return names, n.Doc
	}
	return nil, nil
}

func all(idents []*ast.Ident) (names []string) {
	for _, ident := range idents {
		names = append(names, ident.Name)
	}
	return names
}
