package main

// Status says how bad a finding is. The set is fixed: scripts read it.
type Status string

// The statuses. Only a failure changes the exit code: a warning may be as the operator wants it.
const (
	OK      Status = "ok"
	Info    Status = "info"
	Warning Status = "warning"
	Failure Status = "failure"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Check is what was asked, for example "facefusion" or "ports".
	Check string `json:"check"`
	// Status says how bad it is.
	Status Status `json:"status"`
	// Subject is what the finding is about: an instance, a port, a setting. May be empty.
	Subject string `json:"subject,omitempty"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Remedy is what would help; empty where nothing has to.
	Remedy string `json:"remedy,omitempty"`
}

// Report is all that was found.
type Report struct {
	// Version is that of this program.
	Version string `json:"version"`
	// Host is the host's name.
	Host string `json:"host"`
	// LooksAs is whose eyes these findings were made with.
	LooksAs string `json:"looks_as"`
	// Config are the files of the configuration that was checked.
	Config []string `json:"config"`
	// Findings in the order of the checks.
	Findings []Finding `json:"findings"`
	// Summary counts the findings by status.
	Summary map[Status]int `json:"summary"`
}

func newReport(findings []Finding) Report {
	summary := map[Status]int{OK: 0, Info: 0, Warning: 0, Failure: 0}
	for _, f := range findings {
		summary[f.Status]++
	}
	return Report{Findings: findings, Summary: summary}
}

func (r *Report) exitCode() int {
	if r.Summary[Failure] > 0 {
		return 1
	}
	return 0
}
