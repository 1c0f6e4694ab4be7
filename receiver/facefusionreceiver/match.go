package facefusionreceiver

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// MatchConfig names the processes of an instance where no rule finds them, or where several
// instances share a checkout. All that is given must hold.
type MatchConfig struct {
	// Cmdline is an RE2 expression that is searched for in the arguments, joined by blanks.
	Cmdline string `mapstructure:"cmdline"`
	// Exe is one for the path of the executable, Comm for the name of the process, which the kernel
	// cuts to 15 characters, Cgroup for the path of a control group.
	Exe    string `mapstructure:"exe"`
	Comm   string `mapstructure:"comm"`
	Cgroup string `mapstructure:"cgroup"`
	// User is the name of the process's effective user in the host's /etc/passwd, or its number.
	User string `mapstructure:"user"`
	// PIDFile is a file of the host that holds the pid.
	PIDFile string `mapstructure:"pid_file"`
	// Port is one that the process listens on.
	Port int `mapstructure:"port"`
}

var (
	_ confmap.Unmarshaler = (*MatchConfig)(nil)
	_ confmap.Validator   = (*MatchConfig)(nil)
)

// Unmarshal takes the number of a user as YAML has it, without quotes.
func (c *MatchConfig) Unmarshal(conf *confmap.Conf) error {
	raw := conf.ToStringMap()
	if uid, is := raw["user"].(int); is {
		raw["user"] = strconv.Itoa(uid)
	}
	type plain MatchConfig // without this method
	return confmap.NewFromStringMap(raw).Unmarshal((*plain)(c))
}

type matchPattern struct{ field, text string }

func (c *MatchConfig) patterns() []matchPattern {
	return []matchPattern{{"cmdline", c.Cmdline}, {"exe", c.Exe}, {"comm", c.Comm}, {"cgroup", c.Cgroup}}
}

// Validate names the field, the value and the remedy.
func (c *MatchConfig) Validate() error {
	if *c == (MatchConfig{}) {
		return errors.New("nothing is given: give one or more of cmdline, exe, comm, cgroup, user, pid_file and port, or leave match out")
	}
	var errs error
	for _, p := range c.patterns() {
		if p.text == "" {
			continue
		}
		switch pattern, err := regexp.Compile(p.text); {
		case err != nil:
			errs = errors.Join(errs, fmt.Errorf(`%s is %s: give an RE2 expression, with \ before each character that is meant literally: %w`, p.field, excerpt(p.text), err))
		case pattern.MatchString(""):
			errs = errors.Join(errs, fmt.Errorf("%s is %s, which every process fits: give a part of the text that the others do not have, or leave it out", p.field, excerpt(p.text)))
		}
	}
	if c.User != "" && strings.ContainsFunc(c.User, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == ':' }) {
		errs = errors.Join(errs, fmt.Errorf("user is %s: give a user's name as in /etc/passwd, or its number", excerpt(c.User)))
	}
	if c.PIDFile != "" && !filepath.IsAbs(c.PIDFile) {
		errs = errors.Join(errs, fmt.Errorf("pid_file is %s: give an absolute path, as the host names the file", excerpt(c.PIDFile)))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = errors.Join(errs, fmt.Errorf("port is %d: give a TCP port from 1 to 65535, or leave it out", c.Port))
	}
	return errs
}

// match is what was validated.
func (c *MatchConfig) match() *process.Match {
	if c == nil {
		return nil
	}
	compile := func(text string) *regexp.Regexp {
		if text == "" {
			return nil
		}
		return regexp.MustCompile(text)
	}
	return &process.Match{
		Cmdline: compile(c.Cmdline), Exe: compile(c.Exe), Comm: compile(c.Comm), Cgroup: compile(c.Cgroup),
		User: c.User, PIDFile: c.PIDFile, Port: uint16(c.Port),
	}
}

// maxName bounds the name of an instance, which becomes service.instance.id on every series.
const maxName = 128

func validateName(name string) error {
	switch {
	case name == "":
		return errors.New("name is empty: give the instance a name, for example the folder's")
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }), strings.TrimSpace(name) != name:
		return fmt.Errorf("name is %s: give printable characters, without a blank at the beginning or the end", excerpt(name))
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Errorf("name is %s, of %d characters: give at most %d, as it is on every series of the instance", excerpt(name), utf8.RuneCountInString(name), maxName)
	}
	return nil
}

// excerpt quotes a value, or its beginning.
func excerpt(value string) string {
	const limit = 60
	if runes := []rune(value); len(runes) > limit {
		return fmt.Sprintf("%q…", string(runes[:limit]))
	}
	return fmt.Sprintf("%q", value)
}
