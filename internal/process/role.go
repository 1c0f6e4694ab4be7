package process

// Role is what a process does for its instance. The set is fixed, so that it may become an
// attribute.
type Role string

// The roles of FaceFusion's own processes, after the command of their command line.
const (
	RoleServer     Role = "server"
	RoleService    Role = "service" // another program around FaceFusion, listening or not
	RoleRunner     Role = "runner"
	RoleDownloader Role = "downloader"
	RoleBenchmark  Role = "benchmark"
	RoleAdmin      Role = "admin"
)

// The roles of their children, after the program.
const (
	RoleWorker    Role = "worker" // a Python process below a service
	RoleFFmpeg    Role = "ffmpeg"
	RoleFFprobe   Role = "ffprobe"
	RoleCurl      Role = "curl"
	RoleNvidiaSMI Role = "nvidia-smi"
	RoleNode      Role = "node"
	RoleOther     Role = "other"
)

// short says whether processes of the role end by themselves.
func (r Role) short() bool {
	switch r {
	case RoleRunner, RoleDownloader, RoleBenchmark, RoleAdmin:
		return true
	default:
		return false
	}
}

// Child says whether processes of the role are children of FaceFusion's own.
func (r Role) Child() bool {
	switch r {
	case RoleServer, RoleService, RoleRunner, RoleDownloader, RoleBenchmark, RoleAdmin:
		return false
	default:
		return true
	}
}
