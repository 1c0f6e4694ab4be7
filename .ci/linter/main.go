// Command linter runs Grafana's dashboard-linter over dashboards: linter EXCEPTIONS DASHBOARD...
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/grafana/dashboard-linter/lint"
	"gopkg.in/yaml.v3"
)

// exception is a rule that some dashboards break, and why.
type exception struct {
	Rule, Match, Reason string

	match *regexp.Regexp
	used  int
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string, dashboards []string) error {
	exceptions, err := load(file)
	if err != nil {
		return err
	}
	var faults []error
	said := 0
	for _, name := range dashboards {
		results, err := results(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for rule, all := range results.ByRule() {
			for _, one := range all {
				for _, r := range one.Result.Results {
					switch {
					case r.Severity == lint.Success || r.Severity == lint.Quiet:
						said++
					case !excepted(exceptions, rule, r.Message):
						faults = append(faults, fmt.Errorf("%s: %s: %s", name, rule, r.Message))
					}
				}
			}
		}
	}
	for _, e := range exceptions {
		if e.used == 0 {
			faults = append(faults, fmt.Errorf("%s: the exception of %s %q is not needed", file, e.Rule, e.Match))
		}
		fmt.Printf("%4d times not %s %s: %s\n", e.used, e.Rule, e.Match, e.Reason)
	}
	fmt.Printf("%4d times as the linter wants it, in %d dashboards\n", said, len(dashboards))
	if said == 0 {
		faults = append(faults, errors.New("no rule was looked at"))
	}
	return errors.Join(faults...)
}

func load(file string) (exceptions []*exception, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &exceptions); err != nil {
		return nil, err
	}
	for _, e := range exceptions {
		if e.Rule == "" || e.Reason == "" {
			return nil, fmt.Errorf("%s: an exception has a rule and a reason", file)
		}
		if e.match, err = regexp.Compile(cmp.Or(e.Match, ".")); err != nil {
			return nil, err
		}
	}
	return exceptions, nil
}

func results(name string) (*lint.ResultSet, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dashboard, err := lint.NewDashboard(text)
	if err != nil {
		return nil, err
	}
	rules := lint.NewRuleSet()
	return rules.Lint([]lint.Dashboard{dashboard})
}

func excepted(exceptions []*exception, rule, message string) bool {
	for _, e := range exceptions {
		if e.Rule == rule && e.match.MatchString(message) {
			e.used++
			return true
		}
	}
	return false
}
