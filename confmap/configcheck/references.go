package configcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsReference says that a key names an extension.
func IsReference(key string) bool { return key == "storage" || key == "authenticator" }

// brokenReferences are storages and authenticators that the collector does not have when it starts,
// which its own validation does not look at.
func (c *Configuration) brokenReferences() (list []Refusal) {
	for _, component := range c.Components() {
		component.Each(func(path, key string, _ map[string]any, value any) {
			id, _ := value.(string)
			if !IsReference(key) || id == "" {
				return
			}
			_, defined := asMap(c.All["extensions"])[id]
			switch started := slices.Contains(c.Started["extensions"], id); {
			case !defined:
				list = append(list, Refusal{Path: path, What: fmt.Sprintf("there is no extension %q", id), Remedy: "define it under extensions, and name it in service::extensions"})
			case cannotBe(key, id):
				list = append(list, Refusal{Path: path, What: fmt.Sprintf("the extension %q is no %s", id, key), Remedy: "name one that is: " + examples[key]})
			case !started:
				list = append(list, Refusal{
					Path: path, What: fmt.Sprintf("the extension %q is not started", id),
					Remedy: "add it to service::extensions; the lists of several files add up, but an empty one begins anew, and --set and yaml: replace them",
				})
			}
		})
	}
	return list
}

// examples are what an extension may be named for.
var examples = map[string]string{
	"storage":       "state_storage or file_storage",
	"authenticator": "basicauth or bearertokenauth",
}

// cannotBe says that an extension is known to be of another kind than what it is named for.
func cannotBe(key, id string) bool {
	typ, _, _ := strings.Cut(id, "/")
	isStorage, isAuthenticator := strings.Contains(typ, "storage"), strings.Contains(typ, "auth")
	switch typ {
	case "health_check", "healthcheckv2", "pprof", "zpages":
		return true
	}
	return key == "storage" && isAuthenticator || key == "authenticator" && isStorage
}

// filesOfTLS are keys with the name of a file without which a component does not start.
var filesOfTLS = []string{"cert_file", "key_file", "ca_file", "client_ca_file"}

// missingFiles are those of TLS that are not there. Whether the collector's user may read them is
// not known to whoever validates.
func (c *Configuration) missingFiles() (list []Refusal) {
	for _, component := range c.Components() {
		component.Each(func(path, key string, in map[string]any, value any) {
			name, _ := value.(string)
			if name == "" || !slices.Contains(filesOfTLS, key) || in["insecure"] == true {
				return
			}
			if _, err := os.Stat(filepath.Clean(name)); errors.Is(err, fs.ErrNotExist) {
				list = append(list, Refusal{Path: path, What: fmt.Sprintf("there is no file %q", name), Remedy: "correct the path, or put the file there"})
			}
		})
	}
	return list
}
