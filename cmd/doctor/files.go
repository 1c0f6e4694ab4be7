package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/confmap/configcheck"
)

// certificateNotice is how long before its end a certificate is spoken of.
const certificateNotice = 30 * 24 * time.Hour

// checkFiles opens what the configuration names: certificates, keys, tokens, passwords.
func (c *resolvedConfig) checkFiles() (findings []finding) {
	for _, component := range c.Components() {
		component.Each(func(path, key string, in map[string]any, value any) {
			name, _ := value.(string)
			if name == "" || !namesFile(component, key) || c.refuses(path) {
				return
			}
			findings = append(findings, checkFile(path, key, name))
			if key == "cert_file" && in["key_file"] != nil {
				findings = append(findings, checkCertificate(path, name, fmt.Sprint(in["key_file"])))
			}
		})
	}
	return findings
}

func namesFile(c configcheck.Component, key string) bool {
	switch {
	case strings.HasSuffix(key, "_file"):
		return true
	case c.Section == "extensions" && c.Type() == "bearertokenauth":
		return key == "filename"
	case c.Section == "extensions" && c.Type() == "basicauth":
		return key == "file"
	}
	return false
}

func checkFile(path, key, name string) finding {
	file, err := os.Open(name)
	if err != nil {
		return finding{"files", Failure, path, err.Error(), fileRemedy(err, "the agent's user has to read it: chown root:otelcol-facefusion, chmod 640")}
	}
	defer file.Close()
	info, err := file.Stat()
	switch secret := key != "cert_file" && !strings.HasSuffix(key, "ca_file"); {
	case err != nil:
		return finding{"files", Failure, path, err.Error(), ""}
	case info.Size() == 0:
		return finding{"files", Failure, path, name + " is empty", "write into it what the setting is for"}
	case secret && info.Mode().Perm()&0o004 != 0:
		return finding{"files", Warning, path, name + " can be read by everybody", "chmod 640, and the group of the agent's user"}
	}
	return finding{"files", OK, path, name + " can be read", ""}
}

// fileRemedy is what helps with a file that cannot be opened: what is not there needs no other
// owner.
func fileRemedy(err error, denied string) string {
	var at *fs.PathError
	if errors.As(err, &at) && !filepath.IsAbs(at.Path) && errors.Is(err, fs.ErrNotExist) {
		return "there is no such file below the folder that this runs in: give its whole path"
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file: correct the path, or put the file there"
	case errors.Is(err, fs.ErrPermission):
		return denied
	}
	return "see what is at that path: ls -ld, and dmesg for the file system"
}

func checkCertificate(path, certificate, key string) finding {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		if at := new(fs.PathError); errors.As(err, &at) {
			return finding{"files", Failure, path, err.Error(), fileRemedy(err, "the agent's user has to read both: chown root:otelcol-facefusion, chmod 640")}
		}
		return finding{"files", Failure, path, err.Error(), "give a certificate and its own key, both in PEM"}
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return finding{"files", Failure, path, err.Error(), ""}
	}
	return certificateFinding("files", path, leaf)
}

// certificateFinding says how long a certificate is good for.
func certificateFinding(check, subject string, leaf *x509.Certificate) finding {
	until := leaf.NotAfter.Format(time.DateOnly)
	switch left := time.Until(leaf.NotAfter); {
	case left < 0:
		return finding{check, Failure, subject, "the certificate ended on " + until, "renew it"}
	case time.Now().Before(leaf.NotBefore):
		return finding{check, Failure, subject, "the certificate begins on " + leaf.NotBefore.Format(time.DateOnly), "look at the clock"}
	case left < certificateNotice:
		return finding{check, Warning, subject, "the certificate ends on " + until, "renew it"}
	}
	return finding{check, OK, subject, "the certificate is good until " + until, ""}
}

// leastSpace is what a queue on disk needs at least to be of use: some minutes of a store that is
// away.
const leastSpace = 256 << 20

// storages are the extensions that keep state in a folder: where by default, and whether they make
// the folder without a setting for it.
var storages = map[string]struct {
	directory string
	creates   bool
}{
	"file_storage":  {directory: "/var/lib/otelcol/file_storage"},
	"state_storage": {directory: "/var/lib/otelcol-facefusion", creates: true},
}

// checkFolders looks at where state and queues are kept.
func (c *resolvedConfig) checkFolders() (findings []finding) {
	for _, component := range c.Components() {
		storage, known := storages[component.Type()]
		if component.Section != "extensions" || !known {
			continue
		}
		name, _ := component.Settings["directory"].(string)
		created := storage.creates || component.Settings["create_directory"] == true
		findings = append(findings, checkFolder(component.String()+"::directory", cmp.Or(name, storage.directory), created))
	}
	return findings
}

func checkFolder(path, name string, created bool) finding {
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err) && created:
		return finding{"disk", Info, path, name + " is not there yet: the agent makes it", ""}
	case os.IsNotExist(err):
		return finding{"disk", Failure, path, err.Error(), "make it, for the agent's user; the unit of the package does (StateDirectory=)"}
	case err != nil:
		return finding{"disk", Failure, path, err.Error(), fileRemedy(err, "the agent's user needs x on each folder above it")}
	case !info.IsDir():
		return finding{"disk", Failure, path, name + " is no folder", "name a folder, or remove the file"}
	}
	if unix.Access(name, unix.W_OK|unix.X_OK) != nil {
		return finding{"disk", Failure, path, name + " may not be written to", "chown it to the agent's user"}
	}
	var space unix.Statfs_t
	if err := unix.Statfs(name, &space); err != nil {
		return finding{"disk", Warning, path, err.Error(), ""}
	}
	free := space.Bavail * uint64(space.Bsize)
	if free < leastSpace {
		return finding{"disk", Warning, path, fmt.Sprintf("%d MiB free below %s", free>>20, name), "make room: what does not fit into the queue is lost when the store is away"}
	}
	return finding{"disk", OK, path, fmt.Sprintf("%s, %d MiB free", name, free>>20), ""}
}
