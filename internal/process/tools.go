package process

import (
	"path"
	"strings"
)

// applicationServers import an application from their working directory, so that a checkout one
// level below it is enough: their script lies in a folder of the environment.
var applicationServers = setOf(
	"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "waitress", "waitress-serve", "uwsgi", "flask", "fastapi", "celery", "rq", "rqworker", "arq",
	"dramatiq", "huey", "huey_consumer", "ray", "serve", "bentoml", "litserve", "streamlit", "chainlit", "faust", "taskiq", "sanic", "quart", "django", "django-admin",
	"litestar", "robyn", "blacksheep", "tornado", "twistd", "cog", "kserve", "mlserver", "model_service_worker", "functions-framework", "gradio", "nicegui", "panel", "saq",
	"procrastinate", "pgqueuer", "streaq", "nameko", "fastmcp",
)

// tools are Python programs that people run in a checkout without serving anything with it.
var tools = setOf(
	// tests, linters, type checkers, formatters, coverage, language servers
	"pytest", "py", "unittest", "nose2", "tox", "nox", "mypy", "dmypy", "pyright", "pytype", "pyre", "ruff", "flake8", "pylint", "pycodestyle", "pydocstyle",
	"black", "isort", "autopep8", "yapf", "bandit", "vulture", "coverage", "pre-commit", "pre_commit", "pylsp", "pyls", "jedi-language-server", "ruff-lsp",
	// installers and environments
	"pip", "pip3", "pipx", "venv", "virtualenv", "ensurepip", "easy_install", "setup", "get-pip", "build", "twine", "wheel", "compileall", "py_compile",
	"install", "installer", "gdown", "hf", "huggingface-cli", "huggingface_hub",
	// prompts, notebooks, documentation, debuggers, profilers
	"ipython", "ipython3", "idlelib", "bpython", "ptpython", "ipykernel", "ipykernel_launcher", "jupyter", "notebook", "jupyterlab", "papermill", "nbconvert",
	"pydoc", "sphinx", "mkdocs", "debugpy", "pydevd", "ipdb", "memory_profiler", "mprof", "scalene", "py-spy", "viztracer", "tensorboard", "pyftpdlib",
	"spyder_kernels", "marimo", "voila", "nbclassic", "jupyterhub", "colab_jupyter", "colab-fileshim",
	// monitors, downloads and clients that one has open in a terminal
	"nvitop", "gpustat", "nvidia-htop", "glances", "bpytop", "s-tui", "yt-dlp", "youtube-dl", "you-get", "gallery-dl", "speedtest", "speedtest-cli", "aws",
	"gcloud", "gsutil", "az", "s3cmd", "b2", "kaggle", "wandb", "dvc", "vastai", "docker-compose", "podman-compose", "certbot", "pgcli", "mycli", "litecli", "ranger", "aider",
	"pre-commit", "git-filter-repo", "comfy", "locust",
	// processes of multiprocessing and joblib, which are known by their parent
	"multiprocessing", "joblib", "loky",
)

// moduleTools are modules of the standard library, whose names are usual for scripts as well.
var moduleTools = setOf("http", "json", "zipfile", "tarfile", "pdb", "cProfile", "profile", "timeit", "trace", "smtpd", "asyncio", "code", "this", "calendar")

// supervisors are Python programs that start others: what they start is looked at by itself.
var supervisors = setOf(
	"supervisord", "supervisor", "circusd", "circus", "honcho", "watchmedo", "watchdog", "watchfiles", "watchgod", "dotenv", "hupper", "jurigged",
	"airflow", "luigi", "luigid", "prefect", "dagster", "dagster-daemon", "ansible", "ansible-playbook", "salt-minion", "salt-call", "fail2ban-server",
	"tuned", "networkd-dispatcher", "unattended-upgrade", "unattended-upgrade-shutdown", "cloud-init", "waagent", "google_guest_agent",
)

// isTool says whether a program serves nothing: a tool, a supervisor or a launcher. Notebooks, and
// what a debugger has started, are known by a folder of the script's path as well.
func (p pythonProgram) isTool() bool {
	if p.kind != scriptProgram && p.kind != moduleProgram {
		return true
	}
	if named(p.base()) {
		return true
	}
	if p.kind == moduleProgram {
		_, ok := moduleTools[p.base()]
		return ok
	}
	for dir := path.Dir(p.name); len(dir) > 1; dir = path.Dir(dir) {
		if name := path.Base(dir); name == "debugpy" || name == "pydevd" || name == "ipykernel" || name == "multiprocessing" {
			return true
		}
	}
	return false
}

func named(program string) bool {
	for _, set := range []map[string]struct{}{tools, supervisors, launchers} {
		if _, ok := set[program]; ok {
			return true
		}
	}
	for _, prefix := range []string{"jupyter-", "pytest-", "test_", "install_", "install-", "pydevd"} {
		if strings.HasPrefix(program, prefix) {
			return true
		}
	}
	return false
}
