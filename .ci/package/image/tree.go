package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is one entry of a layer.
type file struct {
	path, link   string
	folder       bool
	mode         int64
	owner        int
	content      []byte
	capabilities uint32
}

// agentCapabilities are CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE, by their numbers in the kernel's
// headers.
const agentCapabilities = 1<<2 | 1<<19

// tree is what a layer holds. Nothing in it depends on the machine that builds it: owners, times
// and the order of entries are fixed.
type tree struct {
	files   map[string]file
	created time.Time
}

func newTree(created time.Time) *tree { return &tree{map[string]file{}, created} }

// add adds an entry, and the folders that it is in.
func (t *tree) add(f file) {
	for folder := path.Dir(f.path); folder != "." && folder != "/"; folder = path.Dir(folder) {
		if _, there := t.files[folder]; !there {
			t.files[folder] = file{path: folder, folder: true, mode: 0o755}
		}
	}
	t.files[f.path] = f
}

func (t *tree) addFile(name string, f file) (err error) {
	f.content, err = os.ReadFile(name)
	t.add(f)
	return err
}

// addFolder adds what is below a folder of this machine.
func (t *tree) addFolder(folder, to string) error {
	return filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil || relative == "." {
			return err
		}
		f := file{path: strings.TrimPrefix(path.Join(to, filepath.ToSlash(relative)), "./")}
		switch info, err := entry.Info(); {
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			f.link, err = os.Readlink(name)
			t.add(f)
			return err
		case info.IsDir():
			f.folder, f.mode = true, 0o755
			t.add(f)
			return nil
		case info.Mode()&0o111 != 0:
			f.mode = 0o755
		default:
			f.mode = 0o644
		}
		return t.addFile(name, f)
	})
}

func (t *tree) layer() (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		f := t.files[name]
		header := &tar.Header{Name: f.path, Mode: f.mode, Uid: f.owner, Gid: f.owner, ModTime: t.created, Format: tar.FormatPAX}
		switch {
		case f.folder:
			header.Typeflag, header.Name = tar.TypeDir, f.path+"/"
		case f.link != "":
			header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.link, 0o777
		default:
			header.Typeflag, header.Size = tar.TypeReg, int64(len(f.content))
		}
		if f.capabilities != 0 {
			header.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": xattr(f.capabilities)}
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// xattr is struct vfs_cap_data of the kernel, version 2: permitted, and effective at once.
func xattr(permitted uint32) string {
	data := make([]byte, 20)
	binary.LittleEndian.PutUint32(data, 0x02000000|1)
	binary.LittleEndian.PutUint32(data[4:], permitted)
	return string(data)
}
