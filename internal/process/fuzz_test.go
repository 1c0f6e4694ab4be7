package process

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzAccessList: a list allows a user nothing in which neither he nor a group of his is named.
func FuzzAccessList(f *testing.F) {
	entry := func(tag, permissions uint16, id uint32) []byte {
		b := binary.LittleEndian.AppendUint16(nil, tag)
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(b, permissions), id)
	}
	f.Add(append([]byte{2, 0, 0, 0}, append(entry(aclUser, 7, 1000), entry(aclMask, 4, 0)...)...))
	f.Fuzz(func(t *testing.T, list []byte) {
		user := credentials{uid: 1000, groups: []int{1001}}
		named := false
		for at := aclHeader; at+aclEntry <= len(list); at += aclEntry {
			id := binary.LittleEndian.Uint32(list[at+aclOwnerOffset:])
			named = named || id == 1000 || id == 1001
		}
		if !named {
			assert.False(t, user.allowedBy(list))
		}
	})
}

// FuzzParsePaths: a path of facefusion.ini is one line without space around it.
func FuzzParsePaths(f *testing.F) {
	f.Add([]byte("[paths]\njobs_path = /srv/jobs\ntemp_path=/tmp\n"))
	f.Add([]byte("[paths]\njobs_path = \"a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		paths := parsePaths(data)
		for _, path := range []string{paths.jobs, paths.temp} {
			assert.Equal(t, strings.TrimSpace(path), path)
		}
	})
}

// FuzzParseVersion: a version is short, and of characters that need no escape anywhere.
func FuzzParseVersion(f *testing.F) {
	f.Add([]byte("METADATA =\\\n{\n\t'name': 'FaceFusion',\n\t'version': '3.8.1',\n}\n"))
	f.Fuzz(func(t *testing.T, metadata []byte) {
		version := parseVersion(metadata)
		assert.LessOrEqual(t, len(version), 32)
		assert.Empty(t, strings.Trim(version, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+_-"))
	})
}

// FuzzParseAddress: what is an address is one of its family, however it is written.
func FuzzParseAddress(f *testing.F) {
	f.Add("0100007F:1EB4")
	f.Add("00000000000000000000000001000000:1EB4")
	f.Fuzz(func(t *testing.T, text string) {
		address, ok := parseAddress(text)
		assert.Equal(t, ok, address.IsValid())
		upper, okUpper := parseAddress(strings.ToUpper(text))
		assert.Equal(t, ok, okUpper)
		assert.Equal(t, address, upper)
	})
}
