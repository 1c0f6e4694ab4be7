package main

import (
	"errors"
	"go/version"
	"strings"
)

var errNoDatabase = errors.New("no entries of the database")

// entry is what is read of an entry, in the format OSV.
type entry struct {
	ID        string     `json:"id"`
	Modified  string     `json:"modified"`
	Withdrawn string     `json:"withdrawn"`
	Affected  []affected `json:"affected"`

	text []byte
}

type affected struct {
	Package struct {
		Name string `json:"name"`
	} `json:"package"`
	Ranges []struct {
		Events []bound `json:"events"`
	} `json:"ranges"`
}

// bound begins or ends a range of versions.
type bound struct {
	Introduced string `json:"introduced"`
	Fixed      string `json:"fixed"`
}

// ofGo reports whether a module is Go itself.
func ofGo(module string) bool { return module == "stdlib" || module == "toolchain" }

// concerns reports whether an entry is about one of the modules in any version, as versions change,
// or about Go in the oldest version that is supported or a later one.
func (e *entry) concerns(modules map[string]bool, oldest string) bool {
	if e.Withdrawn != "" {
		return false
	}
	for i := range e.Affected {
		a := &e.Affected[i]
		if modules[a.Package.Name] || ofGo(a.Package.Name) && a.reaches(oldest) {
			return true
		}
	}
	return false
}

// reaches reports whether a version or a later one is affected.
func (a *affected) reaches(oldest string) bool {
	for _, r := range a.Ranges {
		open := false
		for _, e := range r.Events {
			if e.Introduced != "" {
				open = true
			}
			if e.Fixed != "" {
				open = false
				if fixed, _, _ := strings.Cut(e.Fixed, "-"); version.Compare("go"+fixed, "go"+oldest) > 0 {
					return true
				}
			}
		}
		if open {
			return true
		}
	}
	return false
}
