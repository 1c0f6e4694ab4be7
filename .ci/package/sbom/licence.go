package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/licensecheck"
	modulepath "golang.org/x/mod/module"
)

// text is a file that has to be shipped with a module.
type text struct{ name, content string }

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// cover is how much of a file has to be a licence that is known, in percent. The rest is names and
// years.
const cover = 75

// allowed are the licences of what may be linked into programs that are under the Apache License
// 2.0 and are given away without their sources. A grant of patents takes nothing away.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "GooglePatentsFile"}

func (m *module) readLicences() error {
	folder, err := m.folder()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("licence of %s: %w", m.path, err)
	}
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, text{entry.Name(), string(content)})
		scan := licensecheck.Scan(content)
		if scan.Percent < cover {
			continue // a notice, or a list of others' licences
		}
		for _, match := range scan.Match {
			if !slices.Contains(m.licences, match.ID) {
				m.licences = append(m.licences, match.ID)
			}
		}
	}
	slices.Sort(m.licences)
	for _, licence := range m.licences {
		if !slices.Contains(allowed, licence) {
			return fmt.Errorf("%s@%s is under %s, which is none of %v: it may not be shipped", m.path, m.version, licence, allowed)
		}
	}
	if len(m.licences) == 0 {
		return fmt.Errorf("%s@%s has no licence that is known in %s: look at it, before it is shipped", m.path, m.version, folder)
	}
	return nil
}

var goFolders = sync.OnceValues(func() ([]string, error) {
	output, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return nil, err
	}
	folders := strings.Fields(string(output))
	if len(folders) != 2 {
		return nil, errors.New("go env says something else")
	}
	return folders, nil
})

// folder is where the module's files are.
func (m *module) folder() (string, error) {
	folders, err := goFolders()
	if err != nil {
		return "", err
	}
	if m.path == "std" {
		return folders[0], nil
	}
	path, err := modulepath.EscapePath(m.path)
	if err != nil {
		return "", err
	}
	version, err := modulepath.EscapeVersion(m.version)
	if err != nil {
		return "", err
	}
	return filepath.Join(folders[1], path+"@"+version), nil
}

// writeLicences writes every text once, and before it the modules that it is of.
func (p product) writeLicences(file *os.File) error {
	w := bufio.NewWriter(file)
	fmt.Fprintf(w, "%s %s is licensed under the Apache License 2.0. Linked into its programs are, with these licences:\n", p.name, p.version)
	var order []string
	of := make(map[string][]string)
	for _, m := range p.modules {
		for _, t := range m.texts {
			if of[t.content] == nil {
				order = append(order, t.content)
			}
			of[t.content] = append(of[t.content], fmt.Sprintf("%s %s (%s)", m.path, m.version, t.name))
		}
	}
	for _, content := range order {
		fmt.Fprintf(w, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(of[content], "\n"), strings.TrimSpace(content))
	}
	return w.Flush()
}
