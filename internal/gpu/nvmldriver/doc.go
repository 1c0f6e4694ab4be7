// Package nvmldriver is the gpu.Driver over NVIDIA's management library, and the only importer of
// go-nvml.
//
// The library is not linked but loaded, and its functions are bound when they are first called.
// This package is designed around three consequences:
//
//   - A call to a function that the installed library does not have ends the process (exit status
//     127, no panic). So does any call while no library is initialized, including the texts of
//     go-nvml's return codes. Every call is therefore guarded by a look-up of its symbol, see
//     symbols.go.
//   - glibc keeps the first library for the life of the process. Another one, or a new version of
//     the same, needs a new process.
//   - go-nvml and the library have state of their own that all users in the process share. This
//     package has one library and counts its sessions: a reload of the configuration starts a
//     receiver while the previous one still runs.
package nvmldriver

// Settings locate the library.
type Settings struct {
	// LibraryPath is the file to load. If it is empty, the dynamic linker's search path is used,
	// then the folders of common container and distribution layouts. The first library that was
	// loaded stays until the process ends: Open with another path fails with
	// gpu.ErrRestartRequired. An empty path uses the loaded library.
	LibraryPath string
	// RootPath is where the host's root is mounted: the folders of common layouts are searched
	// below it as well. Empty or "/" on the host itself.
	RootPath string
}
