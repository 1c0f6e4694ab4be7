package process

// placePending learns what could not be read when a process was found, because the file system of
// its checkout did not answer. The gate refuses at once while it still does not.
func (t *Table) placePending() {
	for _, m := range t.members {
		if !m.pending {
			continue
		}
		g, err := t.readProcess(m.PID)
		if err != nil || g.stat.start != m.StartTicks {
			continue
		}
		s, ok := programOf(g.argv).script()
		if !ok {
			continue
		}
		if p, ok := t.files.workdir(m.PID, s); ok && !p.pending {
			m.pending, m.temp = false, p.temp
			t.instances.relocate(m, p)
		}
	}
}

// relocate takes over what the configuration says of the jobs folder, which was guessed before.
func (s *instanceSet) relocate(m *trackedProcess, p workdir) {
	i := m.instance
	if key := p.key(m.role); i.jobs.key != p.jobs.key && s.byKey[key] == nil {
		if i.conf == nil {
			delete(s.byKey, i.key)
			i.key = key
		}
		s.know(key, i)
		i.jobs, i.jobsPath = p.jobs, ""
	}
	i.locate(s.files, m, p)
}
