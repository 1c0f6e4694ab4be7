package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

//go:generate go run .

// options select one set of rules.
type options struct {
	profile, language, names string
}

func main() {
	var o options
	flag.StringVar(&o.profile, "profile", "production", "one of the profiles of config.yaml")
	flag.StringVar(&o.language, "language", "en", "of what people read: en or zh")
	flag.StringVar(&o.names, "names", "escaped", "what the store makes of names: escaped (a scrape; the default of Prometheus), utf8, dotted (neither escaped nor with suffixes) or nosuffix (Mimir)")
	override := flag.String("config", "", "a file with what differs from config.yaml")
	out := flag.String("out", "", "the folder to write rules to; without it, all that is committed is written")
	flag.Parse()
	if err := run(o, *override, *out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(o options, override, out string) error {
	if out == "" {
		files, err := committed()
		if err != nil {
			return err
		}
		return write("../..", files)
	}
	files, err := rules(o, override)
	if err != nil {
		return err
	}
	return write(out, files)
}

// committed returns the files of deploy/ that this program writes, by path.
func committed() (map[string][]byte, error) {
	all := map[string][]byte{}
	for folder, o := range map[string]options{
		"prometheus/rules":    {"production", "en", "escaped"},
		"prometheus/rules-zh": {"production", "zh", "escaped"},
	} {
		files, err := rules(o, "")
		if err != nil {
			return nil, err
		}
		for name, content := range files {
			all[filepath.Join(folder, name)] = content
		}
		if o.language == "en" {
			all["kubernetes/prometheus-rules.yaml"], err = prometheusRules(files)
			if err != nil {
				return nil, err
			}
			all["kubernetes/pod-monitor.yaml"] = []byte(podMonitor)
		}
	}
	for _, language := range []string{"en", "zh"} {
		name, content, err := messages(language)
		if err != nil {
			return nil, err
		}
		all[name] = content
	}
	return all, nil
}

func write(dir string, files map[string][]byte) error {
	for _, name := range sortedNames(files) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

func sortedNames(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
