package main

// meaning is what a state of the page says to an operator, and what he may do.
type meaning struct {
	status         status
	detail, remedy string
}

// The states of the page. A test compares them with metadata.yaml.
var (
	jobsFolderStates = map[string]meaning{
		"open":               {OK, "", ""},
		"absent":             {Info, "absent: FaceFusion 2.x has none, 3.x makes it with the first job", ""},
		"unreachable":        {Warning, "unreachable: no process of the container that has it runs", "start the container, or name the folder as instances[].jobs_path"},
		"denied":             {Warning, "denied: it may not be read", capabilitiesRemedy},
		"not_visible":        {Warning, "not_visible: the process may not be looked into, so it is not known which folder it has", capabilitiesRemedy + ", or name the folder as instances[].path or jobs_path"},
		"unknown":            {Warning, "unknown: neither a process nor the configuration tells of a checkout", "name the checkout as instances[].path, or the folder as jobs_path"},
		"claim_refused":      {Warning, "claim_refused: its processes name a jobs folder that their user may not write to", "correct --jobs-path or facefusion.ini, or the folder's owner and mode"},
		"error":              {Warning, "error: the file system answers with an error", "docs/runbooks/FaceFusionJobsFolderClosed.md"},
		"share_unresponsive": {Warning, "share_unresponsive: the file system that it lies on does not answer", "look at the server of the share, and at dmesg"},
	}
	serverStates = map[string]meaning{
		"starting":     {Info, "starting: it downloads and checks models first", ""},
		"ready":        {OK, "ready", ""},
		"answering":    {OK, "answering: it is no Gradio, and no health check is configured", ""},
		"saturated":    {Warning, "saturated: its event loop answers, and its threads do not", "docs/runbooks/FaceFusionServerSaturated.md"},
		"unhealthy":    {Warning, "unhealthy: its health check failed twice in a row", "ask the URL of instances[].health.endpoint yourself; docs/runbooks/FaceFusionServerUnhealthy.md"},
		"unresponsive": {Warning, "unresponsive: its port is open, and nothing comes back", "docs/runbooks/FaceFusionServerUnresponsive.md"},
		"down":         {Warning, "down", "start it, or correct the port in instances[].endpoint or health.endpoint; docs/runbooks/FaceFusionServerDown.md"},
		"stopped":      {Info, "stopped, on purpose", ""},
		"not_probed":   {Warning, "not_probed: it is not certain whom a request would reach", "name its address as instances[].endpoint; docs/security.md says when"},
	}
	visibilities = map[string]meaning{
		"complete":         {OK, "complete: every process can be looked at", ""},
		"processes_hidden": {Warning, "processes_hidden: proc is mounted with hidepid, and shows no processes of other users", "give the agent CAP_SYS_PTRACE, or the group of the option gid= of that mount"},
		"processes_denied": {Warning, "processes_denied: programs of Python, or FaceFusion itself, may not be looked into", capabilitiesRemedy},
		"folders_denied":   {Warning, "folders_denied: the folder that one works in may not be entered", "give the agent CAP_DAC_READ_SEARCH, or a group that may enter the folder"},
	}
)

// finds is the finding of a state. One that is not known here is named all the same.
func finds(states map[string]meaning, check, subject, state string) finding {
	m, known := states[state]
	if !known {
		m = meaning{Warning, state, "docs/metrics.md says what it means"}
	}
	return finding{check, m.status, subject, m.detail, m.remedy}
}
