package logstream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		`OSError: [Errno 28] No space left on device: '/tmp/facefusion/anna/00000001.png'`: `OSError: [Errno 28] No space left on device: '<path>'`,
		`Error opening input file /data/My Wedding/first dance.mp4.`:                       `Error opening input file <path>.`,
		`cannot read /home/anna/notes: denied`:                                             `cannot read <path>: denied`,
		`open "C:\Users\Anna\face.jpg" failed`:                                             `open "<path>" failed`,
		`open D:\secret\x failed`:                                                          `open <path> failed`,
		`see ~/notes/x`:                                                                    `see <path>`,
		`from 'holiday clip.mov':`:                                                         `from '<path>':`,
		`Output anna.mp4 written`:                                                          `Output <path> written`,
		`file=/data/x;line=3`:                                                              `file=<path>`,
		`http://127.0.0.1:7860 is up`:                                                      `http://127.0.0.1:7860 is up`,
		`127.0.0.1:1 - "GET /file=/tmp/gradio/anna.png HTTP/1.1" 200 OK`:                   `127.0.0.1:1 - "GET <path> HTTP/1.1" 200 OK`,
		`don't touch /a/b, can't`:                                                          `don't touch <path>, can't`,
		`Name:'' Status Message: /onnxruntime_src/onnxruntime/core/x.h:55 failed 'x'`:      `Name:'' Status Message: /onnxruntime_src/onnxruntime/core/x.h:55 failed 'x'`,
		`1/2 of 3 frames/s`:                                                                `1/2 of 3 frames/s`,
		`execution_providers=['cuda', 'cpu']`:                                              `execution_providers=['cuda', 'cpu']`,
		"  File \"/home/anna/face fusion/facefusion/jobs/job_runner.py\", line 72, in run_steps\n    x('/data/anna.mp4')": "  File \"facefusion/jobs/job_runner.py\", line 72, in run_steps\n    x('<path>')",
		`  File "/home/anna/venv/lib/python3.12/site-packages/gradio/utils.py", line 9, in x`:                             `  File "gradio/utils.py", line 9, in x`,
		`  File "/usr/lib/python3.12/threading.py", line 9, in x`:                                                         `  File "threading.py", line 9, in x`,
		`  File "C:\Users\Anna\facefusion\facefusion\core.py", line 9, in x`:                                              `  File "facefusion/core.py", line 9, in x`,
	} {
		require.Equal(t, want, redact(in), in)
	}
}
