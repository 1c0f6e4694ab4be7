package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/webui"
)

// checkFaceFusion looks for FaceFusion as the agent does, once.
func checkFaceFusion(ctx context.Context, root string) []finding {
	table := process.NewTable(process.Settings{RootPath: root})
	defer func() { _ = table.Close() }() // nothing of it is kept
	snapshot, err := table.Observe(ctx)
	if err != nil {
		return []finding{{"facefusion", Failure, "", "cannot look at the processes: " + err.Error(), "see privileges above"}}
	}
	var findings []finding
	found := make(map[int]bool)
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		findings = append(findings, instanceFinding(instance))
		for _, p := range instance.Processes {
			found[p.PID] = true
		}
	}
	if len(findings) == 0 {
		findings = append(findings, finding{"facefusion", Warning, "", "no FaceFusion runs here that can be seen", "start one; it is found by its command line (python facefusion.py …) and its checkout"})
	}
	for _, denied := range snapshot.Denied {
		findings = append(findings, finding{"facefusion", Warning, denied.Field, "may not be read: " + denied.Path, denied.Remedy})
	}
	findings = append(findings, checkNearMisses(filepath.Join(root, "proc"), found)...)
	findings = append(findings, checkServers(ctx, snapshot)...)
	return append(findings, checkJobs(ctx, snapshot)...)
}

func instanceFinding(instance *process.Instance) finding {
	var parts []string
	for _, role := range instance.Roles {
		if role.Count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", role.Count, role.Role))
		}
	}
	detail := strings.Join(parts, ", ")
	if instance.Version == "" {
		return finding{"facefusion", Warning, instance.ID, detail + "; its checkout is not seen, and so neither its version nor its jobs", capabilitiesRemedy}
	}
	return finding{"facefusion", OK, instance.ID, "version " + instance.Version + ", " + detail, ""}
}

// nearMisses bounds what is listed: a folder named facefusion may hold anything.
const nearMisses = 5

// checkNearMisses names processes of Python that mention FaceFusion, and are not taken for it.
func checkNearMisses(proc string, found map[int]bool) []finding {
	names, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "cmdline"))
	if err != nil {
		return nil
	}
	var findings []finding
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name))) // the pattern says digits
		text, err := os.ReadFile(name)
		if err != nil || found[pid] || len(findings) == nearMisses {
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		if strings.HasPrefix(filepath.Base(args[0]), "python") && strings.Contains(strings.ToLower(string(text)), "facefusion") {
			findings = append(findings, finding{"facefusion", Info, "pid " + strconv.Itoa(pid), "mentions FaceFusion and is not taken for it", "if it is one, name it under receivers::facefusion::instances"})
		}
	}
	return findings
}

// checkServers asks the web servers what the agent asks them.
func checkServers(ctx context.Context, snapshot *process.Snapshot) []finding {
	var targets []webui.Target
	var ids []string
	for i := range snapshot.Instances {
		instance := &snapshot.Instances[i]
		ids = append(ids, instance.ID)
		for _, server := range instance.Servers {
			target := webui.Target{
				Instance: instance.ID, Process: strconv.Itoa(server.PID), Port: server.Port,
				Unknown: server.PortUnknown || (server.Port != 0 && !server.Address.IsValid()),
			}
			if server.Address.IsValid() {
				target.URL = &url.URL{Scheme: "http", Host: server.Address.String()}
			}
			targets = append(targets, target)
		}
	}
	tracker := webui.NewTracker(webui.Settings{})
	defer tracker.Close()
	seen, err := tracker.Observe(ctx, targets, ids)
	if err != nil {
		return []finding{{"server", Warning, "", "the web servers did not answer in time: " + err.Error(), ""}}
	}
	var findings []finding
	for _, server := range seen.Servers {
		subject := fmt.Sprintf("%s, port %d", server.Instance, server.Port)
		switch server.State {
		case webui.StateReady:
			findings = append(findings, finding{"server", OK, subject, "answers", ""})
		case webui.StateUnknown:
			findings = append(findings, finding{"server", Warning, server.Instance, "where its web server listens is not seen, or cannot be reached from here", capabilitiesRemedy + "; for one in a network of its own, name its endpoint under instances"})
		case webui.StateStarting:
			findings = append(findings, finding{"server", Info, subject, "is starting: it downloads and checks models first", ""})
		default:
			findings = append(findings, finding{"server", Warning, subject, string(server.State), "docs/runbooks/FaceFusionServer*.md"})
		}
	}
	return findings
}

// observeJobs looks until the first scan of every folder is through: a pass reads so many files and
// no more.
func observeJobs(ctx context.Context, watcher *jobqueue.Watcher, folders []jobqueue.Folder) (*jobqueue.Snapshot, error) {
	for {
		seen, err := watcher.Observe(ctx, folders, nil)
		if err != nil || !slices.ContainsFunc(seen.Queues, func(q jobqueue.Queue) bool { return q.Scanning }) {
			return seen, err
		}
	}
}

// checkJobs opens the jobs folders.
func checkJobs(ctx context.Context, snapshot *process.Snapshot) []finding {
	var folders []jobqueue.Folder
	for i := range snapshot.Instances {
		folders = append(folders, jobqueue.Folder{Instance: snapshot.Instances[i].ID, Path: snapshot.Instances[i].JobsHostPath})
	}
	watcher := jobqueue.NewWatcher(jobqueue.Settings{})
	defer watcher.Close()
	seen, err := observeJobs(ctx, watcher, folders)
	if err != nil {
		return []finding{{"jobs", Warning, "", "the jobs folders could not be read in time: " + err.Error(), ""}}
	}
	var findings []finding
	for _, queue := range seen.Queues {
		subject := strings.Join(queue.Instances, ", ")
		switch queue.Access {
		case jobqueue.AccessOpen:
			total := 0
			for _, n := range queue.Jobs {
				total += n
			}
			findings = append(findings, finding{"jobs", OK, subject, fmt.Sprintf("%d jobs", total), ""})
			if !queue.Hinted {
				findings = append(findings, finding{"jobs", Info, subject, "changes are noticed within a second, and not at once: inotify has no watch left, or the filesystem has no inotify", "raise fs.inotify.max_user_watches and max_user_instances"})
			}
		case jobqueue.AccessAbsent:
			findings = append(findings, finding{"jobs", Info, subject, "has no jobs folder: FaceFusion 2.x has none, 3.x makes it with the first job", ""})
		case jobqueue.AccessDenied:
			findings = append(findings, finding{"jobs", Warning, subject, "the jobs folder may not be read", capabilitiesRemedy})
		default:
			findings = append(findings, finding{"jobs", Warning, subject, "the jobs folder cannot be reached: " + string(queue.Access), capabilitiesRemedy})
		}
	}
	return findings
}
