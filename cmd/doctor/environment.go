package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// taken are the variables that count without being named in the configuration: where things are,
// whom to trust, and which GPUs there are.
var taken = []string{
	"PATH", "HOME", "LANG", "TZ",
	"STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HOST_PROC", "HOST_SYS", "HOST_ETC", "HOST_VAR", "HOST_RUN", "HOST_DEV", "HOST_ROOT",
	"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER",
}

// loading are the variables, by their beginnings, that change what a program loads or does before
// its first line: those that the dynamic linker itself ignores in a program with privileges, and
// those of Go, of the shell and of the CUDA driver.
var loading = []string{
	"LD_", "GLIBC_", "GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "MALLOC_", "NIS_PATH", "NLSPATH",
	"RESOLV_HOST_CONF", "RES_OPTIONS", "TMPDIR", "TZDIR", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR", "BASH_ENV", "ENV", "IFS",
	"CUDA_INJECTION", "NVTX_INJECTION", "OPENSSL_", "PYTHON", inherited, outside,
}

var (
	// reference is ${NAME}, ${env:NAME}, or env:NAME as a whole configuration.
	reference = regexp.MustCompile(`(?:\$\{(?:env:)?|^env:)([A-Za-z_][A-Za-z0-9_]*)`)
	// inclusion is ${file:NAME}.
	inclusion = regexp.MustCompile(`\$\{file:([^}]+)\}`)
)

// passOn returns what a doctor gets of an agent's environment: what the configuration refers to,
// and the taken ones; none of those that change loading.
func passOn(environment []string, o options) (passed []string) {
	named := references(environment, o)
	for _, pair := range environment {
		key, _, _ := strings.Cut(pair, "=")
		if loads(key) {
			continue
		}
		if slices.Contains(taken, key) || named[key] {
			passed = append(passed, pair)
		}
	}
	return passed
}

func loads(key string) bool {
	return slices.ContainsFunc(loading, func(beginning string) bool {
		return key == beginning || strings.HasPrefix(key, beginning) && beginning != "ENV" && beginning != "IFS"
	})
}

// references are the names that the configuration has, those in what it includes, and those in the
// values of these.
func references(environment []string, o options) map[string]bool {
	texts, read, named := append(slices.Clone(o.sets), o.configs...), map[string]bool{}, map[string]bool{}
	for _, name := range o.configs {
		if isFile(name) || strings.HasPrefix(name, "file:") {
			texts = append(texts, "${file:"+strings.TrimPrefix(name, "file:")+"}")
		}
	}
	for len(texts) > 0 {
		text := texts[0]
		texts = texts[1:]
		for _, match := range reference.FindAllStringSubmatch(text, -1) {
			if named[match[1]] {
				continue
			}
			named[match[1]] = true
			for _, pair := range environment {
				if key, value, _ := strings.Cut(pair, "="); key == match[1] {
					texts = append(texts, value)
				}
			}
		}
		for _, match := range inclusion.FindAllStringSubmatch(text, -1) {
			if name := filepath.Clean(match[1]); !read[name] {
				read[name] = true
				texts = append(texts, readSome(name))
			}
		}
	}
	return named
}

// configurationLimit is more than anybody writes.
const configurationLimit = 4 << 20

// readSome reads a regular file, without waiting for any other one.
func readSome(name string) string {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "" // it is said when the configuration is read
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(file, configurationLimit))
	if err != nil {
		return ""
	}
	return string(text)
}
