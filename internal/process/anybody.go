package process

import (
	"strconv"
	"strings"
)

// OpenToAnybody names the configured instances that a process of any user may fit: their match says
// neither whose it is nor where the checkout lies, and people work on the host. Who runs such a
// command keeps the instance up, and says what its version is.
func (t *Table) OpenToAnybody() (names []string) {
	if !t.files.hasPeople() {
		return nil
	}
	for _, i := range t.instances.configured {
		if m := i.conf.Match; m != nil && m.User == "" && i.conf.Path == "" {
			names = append(names, i.id)
		}
	}
	return names
}

// UnknownUsers are the users that matches name and the host's /etc/passwd does not have, by
// instance: no process ever fits those.
func (t *Table) UnknownUsers() map[string]string {
	unknown := make(map[string]string)
	for _, i := range t.instances.configured {
		if m := i.conf.Match; m != nil && !t.files.knowsUser(m.User) {
			unknown[i.id] = m.User
		}
	}
	return unknown
}

// knowsUser says whether a configured user is one that there can be: a number, or a name of the
// host.
func (f *files) knowsUser(name string) bool {
	if _, err := strconv.Atoi(name); err == nil || name == "" {
		return true
	}
	_, ok := f.uid(name)
	return ok
}

// firstPerson is the lowest user that useradd gives a person, and nobody the one of nobody.
const (
	firstPerson = 1000
	nobody      = 65_534
)

// hasPeople says whether the host's /etc/passwd has users who may log in.
func (f *files) hasPeople() bool {
	text, err := f.hostRoot().ReadFile("/etc/passwd", maxPasswd)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 7 {
			continue
		}
		uid, err := strconv.Atoi(fields[2])
		shell := fields[6]
		if err == nil && uid >= firstPerson && uid != nobody && !strings.HasSuffix(shell, "/nologin") && !strings.HasSuffix(shell, "/false") {
			return true
		}
	}
	return false
}
