package main

import (
	"debug/buildinfo"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	name := flag.String("name", "", "name of what the programs are shipped as")
	version := flag.String("version", "", "its version")
	out := flag.String("out", "", "folder to write into")
	flag.Parse()
	if err := run(*name, *version, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(name, version, out string, programs []string) error {
	modules, err := linked(programs)
	if err != nil {
		return err
	}
	for i := range modules {
		if err := modules[i].readLicences(); err != nil {
			return err
		}
	}
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	product := product{name, version, time.Unix(seconds, 0).UTC(), modules}
	for file, write := range map[string]func(*os.File) error{
		"sbom.cdx.json":            product.writeCycloneDX,
		"sbom.spdx.json":           product.writeSPDX,
		"third-party-licenses.txt": product.writeLicences,
	} {
		if err := writeFile(filepath.Join(out, file), write); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	return nil
}

func writeFile(name string, write func(*os.File) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// product is what is shipped.
type product struct {
	name, version string
	date          time.Time
	modules       []module
}

// module is one that was linked in.
type module struct {
	path, version, sum string
	licences           []string // SPDX identifiers
	texts              []text
}

func (m module) purl() string { return "pkg:golang/" + m.path + "@" + m.version }

// linked lists the modules of the programs, Go's own library among them, and without the product
// itself.
func linked(programs []string) ([]module, error) {
	known := make(map[string]module)
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("read what %s was built from: %w", program, err)
		}
		known["std"] = module{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}
		for _, dep := range info.Deps {
			m := module{path: dep.Path, version: dep.Version, sum: dep.Sum}
			if dep.Replace != nil {
				if strings.HasPrefix(dep.Replace.Path, ".") {
					continue // a folder of this repository
				}
				m = module{path: dep.Replace.Path, version: dep.Replace.Version, sum: dep.Replace.Sum}
			}
			known[m.path+"@"+m.version] = m
		}
	}
	modules := make([]module, 0, len(known))
	for _, m := range known {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.purl(), b.purl()) })
	return modules, nil
}
