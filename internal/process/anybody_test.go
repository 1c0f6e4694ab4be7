package process_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// TestOpenToAnybody: a match without a user and a checkout is somebody's to fit where people work.
func TestOpenToAnybody(t *testing.T) {
	match := func(user string) *process.Match {
		return &process.Match{Cmdline: regexp.MustCompile("app:app"), User: user}
	}
	settings := process.Settings{Instances: []process.Configured{
		{Name: "open", Match: match("")}, {Name: "of a user", Match: match("swap")}, {Name: "of a checkout", Path: "/opt/ff", Match: match("")}, {Name: "by path", Path: "/opt/ff"},
	}}
	w := newHarness(t, settings)
	const services = "root:x:0:0::/root:/bin/bash\nswap:x:998:998::/:/usr/sbin/nologin\nbackup:x:1002:1002::/:/bin/false\nnobody:x:65534:65534::/:/bin/sh\nbroken\n"
	require.NoError(t, w.host.WriteFile("/etc/passwd", services))
	assert.Empty(t, w.table.OpenToAnybody(), "nobody logs in there")
	require.NoError(t, w.host.WriteFile("/etc/passwd", services+"ann:x:1000:1000::/home/ann:/bin/zsh\n"))
	assert.Equal(t, []string{"open"}, w.table.OpenToAnybody())
}

// TestUsersThatAreNotThere: a match with a user that the host does not have is fitted by nobody.
func TestUsersThatAreNotThere(t *testing.T) {
	var instances []process.Configured
	for _, user := range []string{"", "swap", "swapp", "998"} {
		instances = append(instances, process.Configured{Name: "of " + user, Match: &process.Match{Cmdline: regexp.MustCompile("app:app"), User: user}})
	}
	w := newHarness(t, process.Settings{Instances: append(instances, process.Configured{Name: "by path", Path: "/opt/ff"})})
	require.NoError(t, w.host.WriteFile("/etc/passwd", "swap:x:998:998::/:/usr/sbin/nologin\n"))
	assert.Equal(t, map[string]string{"of swapp": "swapp"}, w.table.UnknownUsers())
}
