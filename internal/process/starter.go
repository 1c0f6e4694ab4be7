package process

import (
	"path"
	"strings"
)

// starters are programs that start others on somebody's behalf: whoever runs FaceFusion from a
// shell, a terminal, an editor, a scheduler or a supervisor has not made a service of that program.
var starters = setOf(
	// the first process, supervisors, runtimes of containers
	"systemd", "init", "openrc", "openrc-init", "s6-svscan", "s6-supervise", "runsvdir", "runsv", "svscan", "supervise", "monit", "god", "pm2", "forever", "nodemon",
	"overmind", "foreman", "goreman", "hivemind", "process-compose", "containerd-shim", "containerd", "dockerd", "docker", "podman", "conmon", "lxc-start", "lxc",
	"lxcfs", "incusd", "systemd-nspawn", "kubelet", "crio", "nomad", "portainer", "pinokio",
	// terminals and logins
	"tmux", "screen", "zellij", "dtach", "abduco", "byobu", "sshd", "sshd-session", "sshd-auth", "dropbear", "login", "agetty", "getty", "mosh-server", "ttyd",
	"gotty", "script", "expect", "gnome-terminal-", "gnome-terminal-server", "konsole", "xterm", "kitty", "alacritty", "wezterm-gui", "xfce4-terminal", "gnome-shell",
	"plasmashell",
	// editors and IDEs
	"code", "code-server", "code-tunnel", "cursor", "codium", "windsurf", "idea", "pycharm", "clion", "java", "emacs", "vi", "vim", "nvim", "nano", "rstudio", "rsession",
	"spyder", "theia", "claude", "codex", "aider", "zed", "zed-editor",
	// schedulers and batch systems
	"cron", "crond", "anacron", "fcron", "atd", "jenkins", "gitlab-runner", "runner.worker", "runner.listener", "act_runner", "forgejo-runner", "buildkite-agent",
	"drone", "woodpecker-agent", "teamcity", "slurmstepd", "slurmd", "pbs_mom", "sge_execd", "sge_shepherd", "condor_starter", "condor_startd", "lsf", "res", "sbatchd",
	"rundeck", "salt-minion", "puppet", "chef-client", "make", "gmake", "ninja", "task", "just", "parallel", "watch", "ansible", "bazel", "nextflow", "snakemake", "cwltool",
)

// startsForOthers says whether a program is one of them. Python programs are judged by what they
// run.
func startsForOthers(comm string, argv []string) bool {
	names := []string{comm}
	if len(argv) > 0 {
		names = append(names, path.Base(argv[0]))
	}
	for _, name := range names {
		// "tmux: server", "sshd: root@pts/0", "PM2 v5.3.0: God Daemon"; comm holds 15 characters
		// only
		word, _, _ := strings.Cut(strings.TrimPrefix(name, "-"), ":")
		word, _, _ = strings.Cut(strings.ToLower(word), " ")
		if _, ok := starters[word]; ok {
			return true
		}
		if strings.HasPrefix(name, "containerd-shim") {
			return true
		}
	}
	for _, arg := range argv[min(1, len(argv)):] {
		// editors that are node programs: they run below a folder of their own
		if strings.Contains(arg, ".vscode-server") || strings.Contains(arg, ".cursor-server") || strings.Contains(arg, "extensionHost") {
			return true
		}
	}
	return false
}

// shells may stand between a program and the run that it starts: "sh -c 'python facefusion.py …'".
var shells = setOf("sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox")

// passesOn says whether a program has run one command on behalf of its parent: a shell with -c, or
// a launcher like timeout or conda. A shell with a script, or with a prompt, has not.
func passesOn(argv []string) bool {
	if len(argv) < 2 {
		return false
	}
	name := path.Base(argv[0])
	if _, ok := shells[name]; ok {
		return strings.HasPrefix(argv[1], "-") && strings.HasSuffix(argv[1], "c")
	}
	if isPython(name) {
		p := programOf(argv)
		_, ok := launchers[p.base()]
		return p.kind != commandProgram && ok
	}
	_, ok := launchers[name]
	return ok
}

// maxPassedOn is how many such programs may stand in between.
const maxPassedOn = 3

// starterOf finds the program that started a run: a service that starts FaceFusion for each
// request.
func (t *Table) starterOf(run observation) (observation, bool) {
	ppid := run.stat.ppid
	for range maxPassedOn + 1 {
		if ppid < 1 {
			return observation{}, false
		}
		o, err := t.readProcess(ppid)
		if err != nil || o.stat.kernel || o.stat.ended() || len(o.argv) == 0 || startsForOthers(o.stat.comm, o.argv) {
			return observation{}, false
		}
		if !passesOn(o.argv) {
			return o, t.mayServe(o)
		}
		ppid = o.stat.ppid
	}
	return observation{}, false
}

// mayServe says whether a program that started a run can be a service.
func (t *Table) mayServe(o observation) bool {
	if !t.files.interpreter(o) {
		return o.pid != 1 && !mayBecome(o.stat.comm, o.argv)
	}
	if _, ok := retitled(o.argv); ok {
		return true
	}
	return !programOf(o.argv).isTool()
}
