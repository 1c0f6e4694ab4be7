"""The usual home-made exporter: prometheus text by hand, pgrep and nvidia-smi forked for each scrape. nvidia-smi is a stub that prints one line."""
import http.server
import subprocess
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        up = subprocess.run(["pgrep", "-f", "facefusion.py"], capture_output=True).returncode == 0
        smi = subprocess.run(["sh", "-c", "echo 41, 9216, 24576, 61"], capture_output=True, text=True).stdout.split(", ")
        body = "".join(
            f"{name} {value}\n"
            for name, value in [
                ("facefusion_process_up", int(up)),
                ("facefusion_gpu_utilization", smi[0]),
                ("facefusion_gpu_memory_used_mb", smi[1]),
                ("facefusion_gpu_memory_total_mb", smi[2]),
                ("facefusion_gpu_temperature", smi[3].strip()),
            ]
        ).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
