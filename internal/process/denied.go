package process

// denial is a set of what could not be read of a process for lack of permission.
type denial uint8

const (
	deniedCheckout denial = 1 << iota
	deniedIO
	deniedFiles
	deniedPort
	deniedClaim
)

// privilege is what helps with all of them. A capability added to a process that is not root needs
// the file capability or an ambient set as well; and both are needed, as /proc/<pid>/io and
// /proc/<pid>/fd are closed by their mode (DAC) before ptrace's rules are asked.
const privilege = "run as the user and group of FaceFusion, or give the collector CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"

var denials = []struct {
	flag   denial
	denied DeniedField
}{
	{deniedCheckout, DeniedField{Field: "checkout", Path: "/proc/<pid>/cwd", Lost: "the version, the jobs, and which instance it is", Remedy: privilege}},
	{deniedIO, DeniedField{Field: "disk_io", Path: "/proc/<pid>/io", Lost: "process.disk.io", Remedy: privilege}},
	{deniedFiles, DeniedField{Field: "file_descriptors", Path: "/proc/<pid>/fd", Lost: "process.unix.file_descriptor.count", Remedy: privilege}},
	{deniedClaim, DeniedField{
		Field: "jobs_folder", Path: "--jobs-path", Lost: "the jobs in that folder",
		Remedy: "a process names a jobs folder that its user may not write to, which is therefore not taken for his: correct its --jobs-path, or the folder's owner and mode",
	}},
	{deniedPort, DeniedField{Field: "listening_port", Path: "/proc/<pid>/fd", Lost: "the port, and with it all of the server", Remedy: privilege}},
}

// list names each field once.
func (d denial) list() []DeniedField {
	var list []DeniedField
	for _, known := range denials {
		if d&known.flag != 0 {
			list = append(list, known.denied)
		}
	}
	return list
}
