package main

// status says how bad a finding is. The set is fixed: scripts read it.
type status string

// The statuses. Only a failure changes the exit code: a warning may be as the operator wants it.
const (
	OK      status = "ok"
	Info    status = "info"
	Warning status = "warning"
	Failure status = "failure"
)

// finding is one thing that was looked at.
type finding struct {
	// Check is what was asked, for example "facefusion" or "ports".
	Check string `json:"check"`
	// Status says how bad it is.
	Status status `json:"status"`
	// Subject is what the finding is about: an instance, a port, a setting. May be empty.
	Subject string `json:"subject,omitempty"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Remedy is what would help; empty where nothing has to.
	Remedy string `json:"remedy,omitempty"`
}

// report is all that was found.
type report struct {
	// Version is that of this program.
	Version string `json:"version"`
	// Host is the host's name.
	Host string `json:"host"`
	// CheckedAs is whose eyes these findings were made with.
	CheckedAs string `json:"checked_as"`
	// Config are the files of the configuration that was checked.
	Config []string `json:"config"`
	// Findings in the order of the checks.
	Findings []finding `json:"findings"`
	// Summary counts the findings by status.
	Summary map[status]int `json:"summary"`
}

func newReport(findings []finding) report {
	summary := map[status]int{OK: 0, Info: 0, Warning: 0, Failure: 0}
	for _, f := range findings {
		summary[f.Status]++
	}
	return report{Findings: findings, Summary: summary}
}

func (r *report) exitCode() int {
	if r.Summary[Failure] > 0 {
		return 1
	}
	return 0
}
