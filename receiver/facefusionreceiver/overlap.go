package facefusionreceiver

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// validateOverlaps refuses two names for one instance: one of them would be reported as down for
// ever. Links are followed as far as this host has the folders.
func (c *Config) validateOverlaps() error {
	root := &hostfs.Root{Gate: hostfs.NewGate(hostfs.Settings{}), Dir: c.RootPath, Owner: "configuration"}
	var errs error
	for j := range c.Instances {
		for i := range c.Instances[:j] {
			if err := c.Instances[j].overlaps(&c.Instances[i], root); err != nil {
				errs = errors.Join(errs, fmt.Errorf("instances[%d]: %w of instances[%d], %s, as well: two names for one instance; %s",
					j, err, i, excerpt(c.Instances[i].Name), "remove one, or give each a match of its own"))
				break
			}
		}
	}
	return errs
}

// overlaps says what two instances have in common. Those that are distinguished by their matches
// may share a checkout.
func (c *InstanceConfig) overlaps(other *InstanceConfig, root *hostfs.Root) error {
	if c.Match != nil && other.Match != nil {
		if *c.Match == *other.Match {
			return errors.New("match is that")
		}
		return nil
	}
	for _, folder := range c.occupies(root) {
		if slices.ContainsFunc(other.occupies(root), func(o occupied) bool { return o.kind == folder.kind && o.resolved == folder.resolved }) {
			return fmt.Errorf("%s %s is that", folder.field, excerpt(folder.value))
		}
	}
	return nil
}

// occupied is a folder that belongs to one instance.
type occupied struct{ kind, field, value, resolved string }

func (c *InstanceConfig) occupies(root *hostfs.Root) []occupied {
	var list []occupied
	add := func(kind, field, value, path string) {
		path = filepath.Clean(path)
		if resolved, err := root.Resolve(path); err == nil {
			path = resolved
		}
		list = append(list, occupied{kind, field, value, path})
	}
	if c.Path != "" {
		add("checkout", "path", c.Path, c.Path)
	}
	switch {
	case c.JobsPath != "":
		add("jobs", "jobs_path", c.JobsPath, c.JobsPath)
	case c.Path != "":
		add("jobs", "path", c.Path, filepath.Join(c.Path, ".jobs"))
	}
	return list
}
