package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/host"
)

// version is set by the build.
var version = "of an own build"

func main() {
	if os.Getenv(outside) != "" {
		if err := os.Chdir("/"); err != nil {
			fmt.Fprint(os.Stderr, "otelcol-facefusion-doctor: ", err, "\n")
			os.Exit(2)
		}
	}
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// options are those of the command line.
type options struct {
	configs, sets list
	root, health  string
	json, self    bool
	timeout       time.Duration
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return fmt.Sprint(*l) }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func parse(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("otelcol-facefusion-doctor", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Var(&o.configs, "config", "file of the configuration, as the agent gets it; several are merged. Default: what the running or installed agent uses")
	flags.Var(&o.sets, "set", "setting, as the agent gets it")
	flags.StringVar(&o.root, "root", "/", "where the host's root is mounted")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.BoolVar(&o.self, "self", false, "look as whoever runs this, and not as the agent")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to look at most")
	flags.StringVar(&o.health, "health", "", "ask this URL of an agent's health and nothing else; exit code 0 if it is well")
	showVersion := flags.Bool("version", false, "print the version")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *showVersion {
		fmt.Fprint(output, "otelcol-facefusion-doctor version ", version, "\n")
		return o, flag.ErrHelp
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

func run(args []string, out, errOut io.Writer) int {
	o, err := parse(args[1:], errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil && o.health != "" {
		if err := askHealth(o.health); err != nil {
			fmt.Fprint(errOut, "otelcol-facefusion-doctor: ", err, "\n")
			return 1
		}
		return 0
	}
	if err == nil {
		var code int
		if code, err = examine(o, args[0], out); err == nil {
			return code
		}
	}
	fmt.Fprint(errOut, "otelcol-facefusion-doctor: ", err, "\n")
	return 2
}

// examine runs all checks, in a process with the agent's account and capabilities if possible.
func examine(o options, program string, out io.Writer) (int, error) {
	self, err := readIdentity("/proc/self")
	if err != nil {
		return 0, err
	}
	a := findAgent(filepath.Join(o.root, "proc"), agentPrograms())
	if a.mounts != nil {
		defer a.mounts.Close()
	}
	if !o.self {
		ownFirst := !useConfiguration(&o, &a)
		if a.known && (self.uid == 0 || a.identity.uid == self.uid) && (self.uid != a.identity.uid || len(a.environment) > 0) {
			return become(a, program, o, os.Environ(), ownFirst)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	r := newReport(inspect(ctx, o, a, self))
	r.Version, r.Host, r.Config = version, host.Read(o.root).Name, o.configs
	r.CheckedAs = self.String()
	if as := os.Getenv(inherited); as != "" {
		r.CheckedAs = as + " (" + r.CheckedAs + ")"
	}
	print := printTable
	if o.json {
		print = printJSON
	}
	return r.exitCode(), print(out, r)
}

// inspect has each part look. The configuration comes first, as it says where.
func inspect(ctx context.Context, o options, a agent, self identity) (findings []finding) {
	c, configuration := checkConfiguration(ctx, o, a)
	cfg, err := c.receiverConfig(o.root)
	if err != nil && agentProgram() == "" { // it would have said so
		configuration = append(configuration, finding{"configuration", Failure, "receivers::facefusion", err.Error(), "correct it there; what follows was seen with the defaults"})
	}
	findings = append(findings, checkIdentity(cfg.RootPath, self)...)
	findings = append(findings, checkImitations(a.imitations)...)
	findings = append(findings, checkLoading(a.environment)...)
	if a.pid != 0 && a.environment == nil {
		findings = append(findings, finding{"privileges", Info, "environment", fmt.Sprintf("that of the running agent, pid %d, may not be read: what its configuration takes from it is missing here", a.pid), "run this as root, or as the agent's user"})
	}
	findings = append(findings, checkGPUs(ctx, cfg)...)
	seen := checkFaceFusion(ctx, cfg)
	findings = append(append(findings, seen...), c.checkRemembered(ctx, filepath.Join(o.root, "proc"), a.pid, seen)...)
	findings = append(findings, checkClock()...)
	return append(findings, configuration...)
}

// overlay is an environment with another one on top.
func overlay(below, above []string) []string {
	merged := slices.Clone(above)
	for _, pair := range below {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(above, func(p string) bool { return strings.HasPrefix(p, key+"=") }) {
			merged = append(merged, pair)
		}
	}
	return merged
}

// useConfiguration takes over the configuration of the agent where the command line names none, and
// says whether it did.
func useConfiguration(o *options, a *agent) bool {
	if len(o.configs) > 0 || len(o.sets) > 0 {
		a.folder = ""
		return false
	}
	o.configs, o.sets = configurationOf(a.args)
	if len(o.configs) == 0 {
		a.folder = ""
		if _, err := os.Stat(packagedFile); err == nil {
			o.configs = list{packagedFile}
		}
	}
	if a.folder == "" {
		return true
	}
	for i, name := range o.configs {
		if !filepath.IsAbs(name) && isFile(name) {
			o.configs[i] = filepath.Join(a.folder, name)
		}
	}
	return true
}

// arguments are the options as a command line that looks as itself.
func (o options) arguments() []string {
	args := []string{"--self", "--root", o.root, "--timeout", o.timeout.String()}
	if o.json {
		args = append(args, "--json")
	}
	for _, name := range o.configs {
		args = append(args, "--config", name)
	}
	for _, setting := range o.sets {
		args = append(args, "--set", setting)
	}
	return args
}
