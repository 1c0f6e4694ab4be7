package process

// Role is what a process does for its instance. The set is fixed, so that it may become an attribute.
type Role string

// The roles of FaceFusion's own processes, after the command of their command line.
const (
	RoleServer     Role = "server"
	RoleRunner     Role = "runner"
	RoleDownloader Role = "downloader"
	RoleBenchmark  Role = "benchmark"
	RoleAdmin      Role = "admin"
)

// The roles of their children, after the program.
const (
	RoleFFmpeg    Role = "ffmpeg"
	RoleFFprobe   Role = "ffprobe"
	RoleCurl      Role = "curl"
	RoleNvidiaSMI Role = "nvidia-smi"
	RoleNode      Role = "node"
	RoleOther     Role = "other"
)

// Child says whether processes of the role are children of FaceFusion's own.
func (r Role) Child() bool {
	switch r {
	case RoleServer, RoleRunner, RoleDownloader, RoleBenchmark, RoleAdmin:
		return false
	default:
		return true
	}
}
