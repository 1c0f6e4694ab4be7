package process_test

// treeCode is a program of -c.
const treeCode = "pass"

func py(argv, cwd, is string, children ...node) node {
	return node{Argv: argv, Cwd: cwd, Is: is, Children: children}
}

func other(program, argv string, children ...node) node {
	return node{Argv: argv, Program: program, Children: children}
}

func titledNode(n node, title string) node { n.Title = title; return n }

func loaded(n node) node { n.Runtime = true; return n }

const spawned = "python3 -c " + treeCode + " --multiprocessing-fork"

func headlessRun(cwd string) node {
	return py("python3 facefusion.py headless-run -s a", cwd, "script runner")
}

var forms = []form{
	{Name: "pm2, the script", Checkouts: []string{"/root/ff"}, Root: titledNode(other("/usr/bin/node", "node /usr/lib/pm2/Daemon.js 1234567890123456789012345678901234567890", py("python3 /root/ff/facefusion.py run", "/", "script server")), "PM2 v5.3.0: God Daemon (/root/.pm2)")},
	{Name: "pm2, a service", Checkouts: []string{"/root/ff"}, Root: titledNode(other("/usr/bin/node", "node /usr/lib/pm2/Daemon.js 1234567890123456789012345678901234567890", py("python3 /root/ff/api.py", "/root/ff", "cwd service")), "PM2 v5.3.0: God Daemon (/root/.pm2)")},
	{Name: "supervisord", Root: py("/usr/bin/python3 /usr/bin/supervisord -n", "/facefusion", "", py("python3 handler.py", "/facefusion", "cwd service"))},
	{Name: "s6", Root: other("/usr/bin/s6-supervise", "s6-supervise ff", py("python3 facefusion.py run", "/facefusion", "script server"))},
	{Name: "tini", Root: other("/usr/bin/tini", "tini -- python3 app.py", py("python3 app.py", "/facefusion", "cwd service"))},
	{Name: "poetry run", Root: py("/usr/bin/python3 /root/.local/bin/poetry run python api.py", "/facefusion", "", py("/facefusion/.venv/bin/python api.py", "/facefusion", "cwd service"))},
	{Name: "uv run", Root: node{Argv: "uv run api.py", Program: "/usr/bin/uv", Cwd: "/facefusion", Children: []node{py("/facefusion/.venv/bin/python3 api.py", "/facefusion", "cwd service")}}},
	{Name: "conda run", Root: py("/opt/conda/bin/python /opt/conda/bin/conda run -n ff python facefusion.py run", "/facefusion", "", node{Argv: "/bin/bash /tmp/tmpabc", Program: "/usr/bin/bash2", Children: []node{py("python facefusion.py run", "/facefusion", "script server")}})},
	{Name: "pinokio", Checkouts: []string{"/root/pinokio/api/ff.git/facefusion"}, Root: other("/usr/bin/pinokio", "/opt/Pinokio/pinokio --type=utility", other("/usr/bin/bash3", "/bin/bash --noprofile",
		py("python facefusion.py run", "/root/pinokio/api/ff.git/facefusion", "script server"), headlessRun("/root/pinokio/api/ff.git/facefusion")))},
	{Name: "a fork with another name", Checkouts: []string{"/opt/swapper"}, Metadata: "FaceFusion Studio", Root: py("python3 app.py run", "/opt/swapper", "cwd service")},
	{Name: "gunicorn with titles", Root: titledNode(py("/usr/bin/python3 /venv/bin/gunicorn app:app --workers 2 --bind 0:8000", "/facefusion", "cwd service",
		titledNode(py("/usr/bin/python3 /venv/bin/gunicorn app:app --workers 2", "/facefusion", "worker"), "gunicorn: worker [app:app]"),
		titledNode(py("/usr/bin/python3 /venv/bin/gunicorn app:app --workers 2", "/facefusion", "worker"), "gunicorn: worker [app:app]")), "gunicorn: master [app:app]")},
	{Name: "uvicorn's workers", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /venv/bin/uvicorn app:app --workers 2", "/app", "below_cwd service", py(spawned, "/app", "worker"), py(spawned, "/app", "worker"))},
	{Name: "hypercorn", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /venv/bin/hypercorn app:app", "/app", "below_cwd service", py(spawned, "/app", "worker"))},
	{Name: "celery prefork", Checkouts: []string{"/app/facefusion"}, Root: titledNode(py("/usr/bin/python3 /usr/local/bin/celery -A tasks worker --loglevel=info --concurrency=2 --hostname=gpu1", "/app", "below_cwd service",
		titledNode(py("/usr/bin/python3 /usr/local/bin/celery -A tasks worker --loglevel=info", "/app", "worker", headlessRun("/app/facefusion")), "[celeryd: celery@gpu1:ForkPoolWorker-1]")), "[celeryd: celery@gpu1:MainProcess] -active- (worker -A tasks)")},
	{Name: "dramatiq", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /usr/local/bin/dramatiq tasks --processes 2", "/app", "below_cwd service", py("/usr/bin/python3 -c "+treeCode, "/app", "worker"))},
	{Name: "arq", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /usr/local/bin/arq worker.WorkerSettings", "/app", "below_cwd service")},
	{Name: "huey", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /usr/local/bin/huey_consumer.py tasks.huey -w 2", "/app", "below_cwd service")},
	{Name: "kafka consumer", Checkouts: []string{"/app/facefusion"}, Root: py("python3 -u consumer.py", "/app", "below_cwd service")},
	{Name: "PYTHONPATH and -m", Checkouts: []string{"/opt/facefusion"}, Root: node{Argv: "python3 -m consumer", Cwd: "/srv/consumer", Path: "/opt/facefusion", Is: "pythonpath service"}},
	{Name: "RunPod at the root, which starts runs", Root: py("python3 -u /rp_handler.py", "/", "parent_of_run service", headlessRun("/facefusion"))},
	{Name: "RunPod at the root, which imports", None: true, Root: loaded(py("python3 -u /rp_handler.py", "/", "hint"))},
	{Name: "SageMaker", Checkouts: []string{"/opt/program/facefusion"}, Root: py("/usr/bin/python3 /usr/local/bin/serve", "/opt/program", "below_cwd service", other2("other", "/usr/sbin/nginx", "nginx -c /opt/program/nginx.conf"),
		titledNode(py("/usr/bin/python3 /usr/local/bin/gunicorn wsgi:app --timeout 60 --bind unix:/tmp/x", "/opt/program", "worker", titledNode(py("/usr/bin/python3 /usr/local/bin/gunicorn wsgi:app --timeout", "/opt/program", "worker"), "gunicorn: worker [wsgi:app]")), "gunicorn: master [wsgi:app]"))},
	{Name: "TorchServe", Checkouts: []string{"/tmp/models/abc/facefusion"}, Root: other("/usr/bin/java", "java -Dmodel_server_home=/x org.pytorch.serve.ModelServer",
		py("/usr/bin/python3 /usr/lib/site-packages/ts/model_service_worker.py --sock-type unix", "/tmp/models/abc", "below_cwd service"))},
	{Name: "Replicate cog", Checkouts: []string{"/src/facefusion"}, Root: py("python3 -m cog.server.http --threads 1", "/src", "below_cwd service", py(spawned, "/src", "worker"))},
	{Name: "Triton's Python backend", Checkouts: []string{"/models/ff/1/facefusion"}, Root: other("/usr/bin/tritonserver", "tritonserver --model-repository=/models",
		node{Argv: "/opt/tritonserver/backends/python/triton_python_backend_stub /models/ff/1/model.py triton_shm_1 67108864", Program: "/opt/tritonserver/backends/python/triton_python_backend_stub", Is: "below_script service", Runtime: true})},
	{Name: "BentoML", Checkouts: []string{"/home/bentoml/bento/src/facefusion"}, Root: py("/usr/bin/python3 /usr/local/bin/bentoml serve service:Swap", "/home/bentoml/bento/src", "below_cwd service", py("/usr/bin/python3 -m _bentoml_impl.worker.service service:Swap", "/home/bentoml/bento/src", "worker"))},
	{Name: "Litestar", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /venv/bin/litestar --app app:app run", "/app", "below_cwd service")},
	{Name: "node starts runs", Root: node{Argv: "node server.js", Program: "/usr/bin/node", Cwd: "/srv/api", Is: "parent_of_run service", Children: []node{other("/usr/bin/dash2", "/bin/sh -c x", headlessRun("/facefusion")), other("/usr/bin/convert", "convert a.png b.png")}}},
	{Name: "Go starts runs", Root: node{Argv: "/opt/api/swap-api -port 8000", Program: "/opt/api/swap-api", Is: "parent_of_run service", Children: []node{headlessRun("/facefusion")}}},
	{Name: "PHP starts runs", Root: other("/usr/sbin/php-fpm8.2", "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", node{Argv: "php-fpm: pool www", Program: "/usr/sbin/php-fpm8.2", Is: "parent_of_run service", Children: []node{other("/usr/bin/dash2", "sh -c x", headlessRun("/facefusion"))}})},
	{Name: "a queue worker of PHP", Root: node{Argv: "php artisan queue:work", Program: "/usr/bin/php", Is: "parent_of_run service", Cwd: "/srv/web", Children: []node{headlessRun("/facefusion")}}},
	{Name: "screen", Root: other("/usr/bin/screen", "SCREEN -dmS ff", other("/usr/bin/bash3", "/bin/bash", headlessRun("/facefusion")))},
	{Name: "-c starts runs", Root: py("python3 -c "+treeCode, "/srv", "", headlessRun("/facefusion"))},
	{Name: "--app-dir", Checkouts: []string{"/opt/api"}, Root: py("/usr/bin/python3 /venv/bin/uvicorn main:app --app-dir /opt/api", "/", "script_folder service")},
	{Name: "streamlit run", Checkouts: []string{"/opt/api"}, Root: py("/usr/bin/python3 /venv/bin/streamlit run /opt/api/main.py", "/root", "script_folder service")},
	{Name: "uvicorn of a venv in the checkout", Checkouts: []string{"/opt/ff"}, Root: loaded(py("/opt/ff/venv/bin/python3 /opt/ff/venv/bin/uvicorn main:app", "/opt/ff/api", "above_script service"))},
	{Name: "-m uvicorn below the checkout", Checkouts: []string{"/opt/ff"}, Root: loaded(py("/usr/bin/python3 -m uvicorn main:app", "/opt/ff/api", "above_script service"))},
	{Name: "uvicorn below the checkout", Checkouts: []string{"/opt/ff"}, Root: loaded(py("/usr/bin/python3 /venv/bin/uvicorn main:app", "/opt/ff/api", "above_script service"))},
	{Name: "uwsgi", Root: node{Argv: "uwsgi --http :8000 --wsgi-file app.py", Program: "/usr/bin/uwsgi", Cwd: "/facefusion", Is: "cwd service", Children: []node{{Argv: "uwsgi --http :8000 --wsgi-file app.py --master", Program: "/usr/bin/uwsgi", Is: "worker"}}}},
	{Name: "accelerate launch", Root: py("/usr/bin/python3 /venv/bin/accelerate launch facefusion.py run", "/facefusion", "", py("/usr/bin/python3 facefusion.py run", "/facefusion", "script server"))},
	{Name: "torchrun", Root: py("/usr/bin/python3 /venv/bin/torchrun api.py", "/facefusion", "", py("/usr/bin/python3 -u api.py", "/facefusion", "cwd service"))},
	{Name: "watchmedo", Checkouts: []string{"/app/facefusion"}, Root: py("/usr/bin/python3 /venv/bin/watchmedo auto-restart -- python worker.py", "/app", "", py("python worker.py", "/app", "below_cwd service"))},
	{Name: "a script without WorkingDirectory, beside the checkout", Checkouts: []string{"/opt/app/facefusion"}, Root: loaded(py("/opt/app/venv/bin/python /opt/app/main.py", "/", "below_script service"))},
	{Name: "flask --app with a path", Checkouts: []string{"/opt/api"}, Root: py("/usr/bin/python3 /venv/bin/flask --app /opt/api/app.py run", "/", "script_folder service")},
	{Name: "two levels below", Checkouts: []string{"/app/third_party/facefusion"}, None: true, Root: loaded(py("python3 main.py", "/app", "hint"))},
	{Name: "a script below a checkout at the root, without WORKDIR", Root: loaded(py("python3 /facefusion/api/server.py", "/", "above_script service"))},
	{Name: "a script below a checkout in a shared folder", Checkouts: []string{"/opt/facefusion"}, Root: loaded(py("python3 /opt/facefusion/api/server.py", "/opt", "above_script service"))},
	{Name: "below a checkout, with another that is not used", Checkouts: []string{"/opt/ff", "/opt/ff/api/vendor/facefusion"}, Root: loaded(py("python3 server.py", "/opt/ff/api", "above_script service"))},
	{Name: "a binary", None: true, Root: node{Argv: "/opt/bin/facefusion run", Program: "/opt/bin/facefusion", Is: "hint"}},
	{Name: "monitors of GPUs in a checkout", None: true, Root: py("/usr/bin/python3 /usr/local/bin/nvitop -m", "/facefusion", "", py("/usr/bin/python3 /usr/local/bin/gpustat --watch", "/facefusion", ""), py("/usr/bin/python3 /usr/local/bin/yt-dlp url", "/facefusion", ""), py("/usr/bin/python3 -m spyder_kernels.console", "/facefusion", ""), py("/usr/bin/python3 /usr/bin/glances", "/facefusion", ""), py("/usr/bin/python3 /usr/local/bin/aws s3 sync . s3://x", "/facefusion", ""))},
	{Name: "node's own children are not of it", Root: node{Argv: "node worker.js", Program: "/usr/bin/node", Cwd: "/srv", Is: "parent_of_run service", Children: []node{headlessRun("/facefusion"), py("python3 /srv/thumbnails.py", "/srv", "")}}},
	{Name: "django", Checkouts: []string{"/app/facefusion"}, Root: py("python3 manage.py runserver 0:8000", "/app", "below_cwd service", py("/usr/bin/python3 manage.py runserver 0:8000 --noreload", "/app", "worker"))},
	{Name: "Modal", Checkouts: []string{"/root/facefusion"}, Root: py("python3 -m modal._container_entrypoint /tmp/args", "/root", "below_cwd service")},
	{Name: "Ray's replica", Checkouts: []string{"/app"}, Root: other("/usr/bin/raylet", "raylet --x", titledNode(py("/usr/bin/python3 /venv/lib/ray/_private/workers/default_worker.py --node-ip-address=1.2.3.4", "/app", "cwd service"), "ray::ServeReplica:swap:Swap"))},
	{Name: "dagster and prefect", None: false, Root: py("/usr/bin/python3 /venv/bin/prefect worker start", "/facefusion", "", headlessRun("/facefusion"))},
	{Name: "runs in a loop of bash", Root: other("/usr/bin/bash3", "bash /root/loop.sh", py("python3 facefusion.py job-run-all", "/facefusion", "script runner"))},
}

func other2(is, program, argv string) node {
	n := other(program, argv)
	n.Is = is
	return n
}
