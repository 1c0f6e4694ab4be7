package process

import (
	"path/filepath"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// ConfigurationState says whether what the configuration names of an instance is there. The set is
// fixed, so that it may become an attribute.
type ConfigurationState string

// The states.
const (
	// ConfigurationMatched: its folder is there, or a process of it was seen.
	ConfigurationMatched ConfigurationState = "matched"
	// ConfigurationWaiting: nothing fits, for less than a minute.
	ConfigurationWaiting ConfigurationState = "waiting"
	// ConfigurationUnmatched: nothing has fitted for a minute.
	ConfigurationUnmatched ConfigurationState = "unmatched"
	// ConfigurationDenied: what it names may not be looked at.
	ConfigurationDenied ConfigurationState = "denied"
	// ConfigurationUnresponsive: the file system that it names does not answer.
	ConfigurationUnresponsive ConfigurationState = "share_unresponsive"
)

const (
	// unmatchedAfter is how long nothing must fit before it is reported: a host that boots starts
	// the agent before FaceFusion, and mounts shares meanwhile.
	unmatchedAfter = time.Minute
	// compareEvery is how often a configured folder is looked at.
	compareEvery = 10 * time.Second
)

// configuredMatch is how a configured instance fits the host.
type configuredMatch struct {
	state ConfigurationState
	// unfit are the fields that nothing fits.
	unfit []string
	// matched says that a process was seen that fits the match, joined that one works in its
	// folders.
	matched, joined bool
	// seen says whether one of them held at the last comparison.
	seen bool
	// since is when a field was first seen to fit nothing; compared is when that was last asked.
	since, compared time.Duration
	ever            bool
}

// checkConfiguration compares the configured instances with the host.
func (t *Table) checkConfiguration() {
	for _, m := range t.members {
		if m.instance.conf == nil || m.role.Child() {
			continue
		}
		c := &m.instance.configuration
		c.joined, c.matched = true, c.matched || m.rule == ruleConfigured
	}
	for _, i := range t.instances.configured {
		c := &i.configuration
		if c.ever && t.at-c.compared < compareEvery && c.seen == (c.matched || c.joined) {
			continue
		}
		c.seen = c.matched || c.joined
		t.compareConfiguration(i)
	}
}

func (t *Table) compareConfiguration(i *instanceState) {
	c, before := &i.configuration, i.configuration
	c.unfit, c.state, c.compared, c.ever = nil, ConfigurationMatched, t.at, true
	if i.conf.Match != nil && !c.matched {
		if t.files.knowsUser(i.conf.Match.User) {
			c.lacks("match", ConfigurationUnmatched)
		} else {
			c.lacks("match.user", ConfigurationUnmatched)
		}
		// Only these need what a process of another user may deny.
		if m := i.conf.Match; t.files.matchDenied && (m.Exe != nil || m.Port != 0) {
			c.state = ConfigurationDenied
		}
	}
	if path := i.conf.Path; path != "" && (!c.joined || c.matched) {
		c.lacksFolder("path", t.folderState(i, filepath.Join(path, metadataFile)))
	}
	if jobs := i.conf.JobsPath; jobs != "" && !c.joined {
		c.lacksFolder("jobs_path", t.folderState(i, absolute(i.conf.Path, jobs)))
	}
	switch {
	case c.state == ConfigurationMatched:
		return
	case before.state == ConfigurationMatched || !before.ever:
		c.since = t.at
	}
	if t.at-c.since < unmatchedAfter {
		c.state = ConfigurationWaiting
	}
}

func (c *configuredMatch) lacks(field string, state ConfigurationState) {
	c.unfit = append(c.unfit, field)
	if c.state == ConfigurationMatched || state == ConfigurationUnmatched {
		c.state = state
	}
}

func (c *configuredMatch) lacksFolder(field string, state ConfigurationState) {
	if state != ConfigurationMatched {
		c.lacks(field, state)
	}
}

// folderState looks for a path on the host, then where the processes of the instance see it.
func (t *Table) folderState(i *instanceState, path string) ConfigurationState {
	state := stateOf(t.files.hostRoot(), path)
	if state == ConfigurationMatched {
		return state
	}
	for _, m := range t.members {
		if m.instance == i && !m.role.Child() {
			if s := stateOf(t.files.rootOf(m.PID), path); s == ConfigurationMatched || state == ConfigurationUnmatched {
				state = s
			}
			break
		}
	}
	return state
}

func stateOf(root *hostfs.Root, path string) ConfigurationState {
	_, err := root.Stat(path)
	switch {
	case err == nil:
		return ConfigurationMatched
	case hostfs.IsHanging(err):
		return ConfigurationUnresponsive
	case isDenied(err):
		return ConfigurationDenied
	default:
		return ConfigurationUnmatched
	}
}
