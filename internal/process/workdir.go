package process

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/hostfs"
)

// workdir is where a FaceFusion process works. Its paths are for opening files only and must never
// be exported: they hold user names and project names.
type workdir struct {
	// version is empty where it cannot be read.
	version string
	// checkout and jobs are located as far as they are known; without permission only what the
	// command line tells is.
	checkout, jobs folder
	// foundIn is the very folder of the checkout when the process was found, whatever its path
	// leads to since; zero where that is not known.
	foundIn folderID
	// temp is the folder for temporary files, as the process names it; empty where it is
	// FaceFusion's default.
	temp string
	// readable says whether the process may be looked into, complete whether the files of the
	// checkout could be read, too.
	readable, complete bool
	// stranger is the user of the process, where he may write neither to the checkout nor to its
	// jobs folder; empty for everybody else.
	stranger string
	// refused says that the command line or the configuration names a jobs folder of somebody else.
	refused bool
	// temporary says that the command line of a run names a jobs folder of its own.
	temporary bool
	// site is where the process runs, and former are keys by which earlier versions knew its
	// instance.
	site   site
	former []string
	// pending says that the file system of the checkout does not answer: the version and the
	// configuration are not known yet.
	pending bool
}

// workdir finds out where the process works; false where it is not FaceFusion. A checkout is known
// by its facefusion/metadata.py, in the working directory or in the folder of the script. Without
// permission to look, 3.x is trusted by the name of its script, while run.py is too common.
func (f *files) workdir(pid int, s script) (workdir, bool) {
	cwd, err := f.cwd(pid)
	if isDenied(err) {
		return f.guessWorkdir(pid, s), s.kind() == faceFusion3
	}
	if err != nil {
		return workdir{}, false
	}
	root := f.rootOf(pid)
	checkout := cwd
	metadata, err := root.ReadFile(cwd+"/"+metadataFile, maxConfig)
	if errors.Is(err, os.ErrNotExist) {
		// Started from another folder: Python imports from the folder of the script.
		folder := absolute(cwd, filepath.Dir(s.path))
		if data, elsewhere := root.ReadFile(folder+"/"+metadataFile, maxConfig); elsewhere == nil {
			checkout, metadata, err = resolve(root, folder), data, nil
		}
	}
	hanging := hostfs.IsHanging(err)
	if errors.Is(err, os.ErrNotExist) && s.kind() == faceFusion3 && f.removed(pid) {
		err = nil // nothing took its place; the process runs all the same
	}
	if err != nil && (!isDenied(err) && !hanging || s.kind() != faceFusion3) {
		return workdir{}, false // a candidate, which is looked at again
	}
	p := workdir{version: parseVersion(metadata), readable: true, complete: err == nil || hanging, pending: hanging}
	p.checkout = f.locate(pid, checkout)
	paths := f.configuredPaths(root, s, cwd, p.version)
	p.jobs = f.locate(pid, resolve(root, jobsPath(s, paths, cwd, p.version)))
	p.temp = f.tempPath(pid, s.args, paths, cwd)
	if role, ok := s.roleFor(p.version); ok && role.short() {
		_, p.temporary = jobsPathOption(s.args, p.version)
	}
	f.establish(pid, root, &p)
	return p, true
}

// removed says that the working directory of a process was removed.
func (f *files) removed(pid int) bool {
	cwd, err := f.link(pid, "cwd")
	return err == nil && strings.HasSuffix(cwd, deleted)
}

// establish finds out whose the process is, and where it runs.
func (f *files) establish(pid int, root *hostfs.Root, p *workdir) {
	p.site, p.foundIn = f.site(pid), folderAt(root, p.checkout.inner)
	f.attribute(pid, root, p)
	if p.jobs.former != "" {
		p.former = append(p.former, p.jobs.former)
	}
	// A file system in memory, or that a program of the container provides, is another one each
	// time: the jobs are those of the checkout that has them.
	if p.jobs.volatile && !p.checkout.volatile && p.checkout.key != "" {
		p.jobs.key = p.checkout.key + ":" + p.jobs.inner
	}
}

// versionPattern is strict about characters and length, as the version becomes an attribute.
var versionPattern = regexp.MustCompile(`'version':\s*'([0-9A-Za-z.+_-]{1,32})'`)

func parseVersion(metadata []byte) string {
	if m := versionPattern.FindSubmatch(metadata); m != nil {
		return string(m[1])
	}
	return ""
}

// defaultJobsPath is FaceFusion's own, relative to the checkout.
const defaultJobsPath = ".jobs"

// jobsPath returns the jobs folder as FaceFusion 3.x determines it: command line, then
// facefusion.ini, then the default. 2.x has none; the folder that it would have serves as its
// identity.
func jobsPath(s script, paths iniPaths, cwd, version string) string {
	if path, ok := jobsPathOption(s.args, version); ok && path != "" {
		return absolute(cwd, path)
	}
	if paths.jobs != "" {
		return absolute(cwd, paths.jobs)
	}
	return absolute(cwd, defaultJobsPath)
}

// configuredPaths are those of the process's facefusion.ini.
func (f *files) configuredPaths(root *hostfs.Root, s script, cwd, version string) iniPaths {
	config := "facefusion.ini"
	if path, ok := configPathOption(s.args, version); ok && path != "" {
		config = path
	}
	data, err := root.ReadFile(absolute(cwd, config), maxConfig)
	if err != nil {
		return iniPaths{}
	}
	return parsePaths(data)
}

// absolute does not clean the path: "link/.." means what the link says.
func absolute(cwd, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return cwd + "/" + path
}

// guessWorkdir is for a process that may not be looked into. The command line may still name the
// folders; else all such processes of one user in one container (or on the host itself) are taken
// for one instance, which is right for the usual single installation, and stable.
func (f *files) guessWorkdir(pid int, s script) workdir {
	var p workdir
	if filepath.IsAbs(s.path) {
		p.checkout = f.locate(pid, filepath.Dir(s.path))
	}
	jobs, ok := jobsPathOption(s.args, "")
	switch {
	case ok && filepath.IsAbs(jobs):
		p.jobs = f.locate(pid, filepath.Clean(jobs))
	case ok && p.checkout.inner != "":
		p.jobs = f.locate(pid, filepath.Join(p.checkout.inner, jobs))
	case p.checkout.inner != "":
		p.jobs = f.locate(pid, filepath.Join(p.checkout.inner, defaultJobsPath))
	default:
		p.jobs.key = "user " + strconv.Itoa(f.user(pid)) + " in " + f.locate(pid, "/").key
	}
	p.site = f.site(pid)
	if p.checkout.host != "" && p.checkout.host == p.checkout.key {
		f.attribute(pid, f.hostRoot(), &p)
	}
	return p
}

// user is the one that the process's sockets belong to, or -1.
func (f *files) user(pid int) int {
	data, err := f.read(f.path(pid, "status"), maxStat)
	if err != nil {
		return -1
	}
	// A name cannot have a line break here: the kernel escapes it.
	_, rest, _ := bytes.Cut(data, []byte("\nUid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	ids := bytes.Fields(line) // real, effective, saved, of the file system
	if len(ids) != 4 {
		return -1
	}
	uid, err := strconv.ParseUint(string(ids[3]), 10, 32)
	if err != nil {
		return -1
	}
	return int(uid)
}

// version reads the version of a configured checkout that no process runs from.
func (f *files) version(checkout string) string {
	data, err := f.hostRoot().ReadFile(filepath.Join(checkout, "facefusion", "metadata.py"), maxConfig)
	if err != nil {
		return ""
	}
	return parseVersion(data)
}

// openable returns a path by which this very process can open a folder. The host's own name for it
// is preferred, as it outlives the process (lasting), but only where it leads to the same folder:
// the host's /proc may be seen without the host's files. Otherwise the way is through the process
// itself.
func (f *files) openable(l folder, pid int) (path string, lasting bool) {
	if !filepath.IsAbs(l.inner) {
		return "", false
	}
	through := filepath.Join(f.path(pid, "root"), l.inner)
	if l.host != "" {
		if sameFolder(f.hostRoot(), l.host, f.rootOf(pid), l.inner) {
			return filepath.Join(f.root, l.host), true
		}
	}
	return through, false
}

// sameFolder compares a folder of the host with one of a process, or the nearest parents that
// exist. Where the second may not be looked at, the first has to be trusted.
func sameFolder(host *hostfs.Root, a string, process *hostfs.Root, b string) bool {
	for {
		folderA, errA := host.Stat(a)
		folderB, errB := process.Stat(b)
		switch {
		case hostfs.IsHanging(errA) || hostfs.IsHanging(errB):
			return false
		case errA == nil && errB == nil:
			return folderA.Dev == folderB.Dev && folderA.Ino == folderB.Ino
		case errA == nil || isDenied(errA) || a == "/":
			return isDenied(errB)
		case errB == nil || isDenied(errB):
			return false
		}
		a, b = filepath.Dir(a), filepath.Dir(b)
	}
}

// expectedJobsPath is the jobs folder that FaceFusion would use when started in the checkout
// without options.
func (f *files) expectedJobsPath(checkout string) string {
	data, err := f.hostRoot().ReadFile(filepath.Join(checkout, "facefusion.ini"), maxConfig)
	if err == nil {
		if paths := parsePaths(data); paths.jobs != "" {
			return paths.jobs
		}
	}
	return defaultJobsPath
}
