# The only entry point. `make help` lists what there is.

VERSION := 0.1.0
# What git archive makes has no repository; git has written the commit into .ci/commit then.
ifneq ($(wildcard .git),)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$(shell git diff --quiet HEAD 2>/dev/null || echo .dirty)
else
COMMIT  := $(shell grep -v Format .ci/commit | cut -c -12 | grep . || echo unknown)
endif

# One constant set of C flags: another one would compile every cgo package anew. go-nvml's header marks half of NVML as deprecated.
export CGO_CFLAGS := -O2 -g -Wno-deprecated-declarations
# Stamping the repository's state into every binary would need git in every build; the version says the commit.
export GOFLAGS := -buildvcs=false

TOOL := go tool -modfile=.ci/tools/go.mod
# The generator of the rules needs Prometheus' code, as .ci/prometheus builds it.
PROMETHEUS := CGO_ENABLED=0 GOFLAGS='-buildvcs=false -tags=remove_all_sd'
LINT := go tool -n -modfile=.ci/lint/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help run build sources build-full demo test bench fuzz e2e e2e-nogpu e2e-stack e2e-outages e2e-gradio e2e-servers e2e-servers-matrix e2e-deployments e2e-real e2e-durability e2e-ledger e2e-ledger-load e2e-traces e2e-hostile e2e-hostile-state soak mutation vulnerabilities deploy-test chart-test chart-test-full own-build look check generate update lint format cost cost-growth cost-check latency gpu gpu-kit clean series load

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: build ## build the collector and run it with config/agent.yaml
	bin/otelcol-facefusion --config config/agent.yaml

build: ## build bin/otelcol-facefusion
	$(call ocb,builder-config.yaml,agent,otelcol-facefusion)

sources: ## write the sources of the agent's distribution without compiling them
	$(call ocb_sources,builder-config.yaml)

build-full: ## build bin/otelcol-facefusion-full, which adds what a cluster needs
	$(call ocb,builder-config.full.yaml,full,otelcol-facefusion-full)

demo: build bin/simulator ## run the collector beside a simulated FaceFusion host: no GPU and no FaceFusion needed
	bin/simulator --page http://127.0.0.1:9464/metrics -- bin/otelcol-facefusion --config config/agent.yaml --config config/logs.yaml --config config/demo.yaml

test: ## run every test that needs no special hardware
	go test -race ./...

bench: ## print what the budgets are about
	go test -run '^$$' -bench . -benchmem ./internal/... ./receiver/...

fuzz: ## run every fuzz target for FUZZTIME (10s by default), and print how many inputs each had
	.ci/fuzz.sh $(or $(FUZZTIME),10s) $(FUZZ)

e2e: build bin/simulator gpu-kit ## run the built collector over simulated hosts, and the kit for GPUs over a fake driver
	go test -count=1 -timeout 20m -tags e2e ./test/e2e/...
	go test -count=1 -tags e2e ./test/gpu/...

e2e-nogpu: sources ## compile the agent without cgo, and run it beside a driver
	go test -count=1 -tags e2e,nogpu -run WithoutCgo ./test/e2e/...

e2e-stack: build bin/simulator ## run it behind a real Prometheus and Alertmanager: every query of deploy/ is asked, an alert arrives
	.ci/prometheus/build.sh
	cd test/stack && CGO_ENABLED=0 go vet -tags stack,remove_all_sd ./... && CGO_ENABLED=0 go test -count=1 -v -timeout 20m -tags stack,remove_all_sd ./...

e2e-outages: build bin/simulator ## play the outages that get somebody up, behind a real Prometheus and Alertmanager that are twenty times faster, and see who is told of what; needs root, seven minutes
	.ci/prometheus/build.sh
	rm -rf .cache/prometheus/outage-rules
	cd deploy/prometheus/generate && $(PROMETHEUS) go run . -config ../../../test/e2e/testdata/outages.yaml -out ../../../.cache/prometheus/outage-rules
	go test -count=1 -v -timeout 20m -parallel 8 -tags e2e,outages -run TestPages ./test/e2e/

e2e-gradio: build ## run the built collector beside a real Gradio; installs it from PyPI into .cache/
	test/gradio/install.sh .cache/gradio
	FACEFUSION_PYTHON=$(CURDIR)/.cache/gradio/bin/python go test -count=1 -tags e2e,gradio -run Gradio ./test/e2e/...

e2e-servers: build ## run the built collector beside real FastAPI, Flask, gunicorn, aiohttp, gRPC and Gradio servers; needs root, installs them from PyPI into .cache/
	test/servers/install.sh .cache/servers
	test/gradio/install.sh .cache/gradio
	FACEFUSION_PYTHON=$(CURDIR)/.cache/servers/bin/python GRADIO_PYTHON=$(CURDIR)/.cache/gradio/bin/python \
		go test -count=1 -timeout 25m -tags e2e,servers -run Servers -skip ServersMatrix ./test/e2e/...

e2e-servers-matrix: build ## kill, stop, end and reboot each kind of server and role, with and without storage, and compare with docs/servers.md; needs root, ten minutes
	test/servers/install.sh .cache/servers
	test/gradio/install.sh .cache/gradio
	FACEFUSION_PYTHON=$(CURDIR)/.cache/servers/bin/python GRADIO_PYTHON=$(CURDIR)/.cache/gradio/bin/python \
		go test -count=1 -v -timeout 40m -tags e2e,servers -run ServersMatrix ./test/e2e/...

e2e-deployments: build ## run the built collector beside FaceFusion in real FastAPI, Flask, gunicorn, Celery, RQ, gRPC and Ray services; installs them from PyPI (and Redis from Debian) into .cache/
	test/deployments/install.sh .cache/deployments
	DEPLOYMENTS_FRAMEWORKS=$(CURDIR)/.cache/deployments go test -count=1 -v -timeout 20m -tags e2e,deployments -run Deployments ./test/e2e/...

# The folder and the Python are named as seen from here, and used from elsewhere. FACEFUSION_PYTHON names one that has all of it already.
e2e-real: build wheel ## run the built collector beside the real FaceFusion, of which FACEFUSION_CHECKOUT=... names a checkout; nothing else of FaceFusion may run
	@[ -n "$(FACEFUSION_CHECKOUT)" ] || { echo "FACEFUSION_CHECKOUT names no checkout of FaceFusion: git clone --branch 3.8.1 https://github.com/facefusion/facefusion, and name its folder" >&2; exit 1; }
	[ -n "$(FACEFUSION_PYTHON)" ] || test/real/install.sh "$(FACEFUSION_CHECKOUT)" .cache/real
	test/real/inside.sh "$(or $(FACEFUSION_PYTHON),.cache/real/bin/python)" .cache/real-inside
	FACEFUSION_CHECKOUT="$(abspath $(FACEFUSION_CHECKOUT))" FACEFUSION_PYTHON="$(abspath $(or $(FACEFUSION_PYTHON),.cache/real/bin/python))" FACEFUSION_INSIDE=$(CURDIR)/.cache/real-inside \
		go test -count=1 -v -timeout 45m -tags e2e,real -run TestReal ./test/e2e/...

.PHONY: e2e-logs
e2e-logs: build bin/simulator ## play FaceFusion's recorded streams as slowly as it wrote them, through files, Docker's and the kubelet's, and a real journald; three minutes, needs root
	E2E_OWN_PACE=1 go test -count=1 -v -timeout 10m -tags e2e -run 'TestRecordingsAtTheirOwnPace|TestLogsFrom|TestLogsAtTheirOwnPace' ./test/e2e/...

e2e-durability: build bin/simulator .cache/prometheus/prometheus ## take the store away for a minute, kill agent and gateway, and count what is lost
	go test -count=1 -v -parallel 16 -tags e2e,durability -run Durability ./test/e2e/...

e2e-ledger: build bin/simulator ## end 200 runs in all ways beside open tabs, with a restart in the middle, and compare outcomes and traces; ten minutes
	go test -count=1 -v -timeout 30m -tags e2e,ledger -run TestLedgerOfRuns ./test/e2e/...

e2e-ledger-load: build bin/simulator ## the same with 1,000 runs and a busy disk; ten minutes
	go test -count=1 -v -timeout 40m -tags e2e,ledger -run TestLedgerUnderLoad ./test/e2e/...

# In pid and mount namespaces of its own: no FaceFusion of the machine, no share that outlives it.
e2e-hostile: build bin/otelcol-facefusion-doctor ## attack it from other accounts, stop shares under it, damage its state, fill its disk; needs root and /dev/fuse
	cd test/hostile && CGO_ENABLED=0 go vet ./... && CGO_ENABLED=0 go test -c -o ../../bin/hostile.test .
	cd test/hostile && unshare -mp --fork --mount-proc ../../bin/hostile.test -test.v -test.timeout 15m

e2e-hostile-state: build ## damage every file of the state folder in ten ways, 200 times, and start each time; half an hour
	cd test/hostile && CGO_ENABLED=0 go test -c -o ../../bin/hostile.test .
	cd test/hostile && HOSTILE_REPEAT=200 unshare -mp --fork --mount-proc ../../bin/hostile.test -test.v -test.timeout 60m -test.run TestADamagedStateStarts

# In a mount namespace of its own, as it fills a disk and mounts; SOAK=10m for ten minutes, SOAK_SEED=n for the same faults in the same order, SOAK_FAULTS=expression for some.
soak: build bin/simulator ## inject faults at random for half an hour while runs end in all ways, and compare with what happened; needs root
	go test -c -tags e2e,ledger,durability,soak -o bin/soak.test ./test/e2e
	cd test/e2e && unshare -mpn --fork --mount-proc sh -c 'ip link set lo up && ../../bin/soak.test -test.v -test.count=1 -test.timeout 8h -test.run TestSoak'

mutation: ## make 87 faults in the code, one at a time and in a copy, and see that a test notices each; about ten minutes. MUTATION=expression for some
	go run ./test/mutation -run '$(MUTATION)'

# VULNDB=folder renews the data from a clone of github.com/golang/vulndb first.
vulnerabilities: sources ## which known vulnerabilities the shipped code calls, from committed data and without a network; two minutes
	$(call ocb_sources,builder-config.full.yaml)
	.ci/vulnerabilities.sh $(VULNDB)

e2e-traces: build bin/simulator .cache/prometheus/prometheus .cache/jaeger/jaeger ## from an exemplar in a real Prometheus to the trace in a real Jaeger to the events of the run
	go test -count=1 -v -tags e2e,traces -run WholeWay ./test/e2e/...

.PHONY: e2e-inside
e2e-inside: build bin/simulator wheel .cache/prometheus/prometheus .cache/jaeger/jaeger ## a FastAPI service of one line: from a failed request on the board to its trace, and the recipes' alert after its five minutes; needs port 7860, eight minutes
	.ci/python.sh install
	go test -count=1 -v -timeout 20m -tags e2e,traces,inside -run TestInsideWholeWay ./test/e2e/...

.PHONY: doctor packages image e2e-install
doctor: bin/otelcol-facefusion-doctor ## say what an agent can and cannot see on this host, and why
	bin/otelcol-facefusion-doctor

packages: build bin/otelcol-facefusion-doctor ## build the deb and the rpm into dist/
	deploy/package/build.sh

image: build bin/otelcol-facefusion-doctor ## build the container image into dist/image, an OCI layout; needs neither Docker nor a registry
	deploy/container/build.sh

.PHONY: release release-test
release: ## build everything that a release consists of, from a tagged commit, into dist/release. RELEASE_KEY=file signs it
	.ci/release.sh

release-test: ## the same for a commit without a tag, signed with a throw-away key, and look at what came out; takes some minutes
	.ci/release-test.sh

e2e-install: build bin/otelcol-facefusion-doctor bin/simulator ## install the packages on a bare Debian with a booted systemd, upgrade and purge them; needs root, downloads Debian once
	test/install/prepare.sh
	go test -count=1 -v -timeout 20m -tags install ./test/install/...

.PHONY: e2e-runbooks
e2e-runbooks: build ## run the commands of all runbooks as written, on a booted Debian and against containers, with the real FaceFusion that FACEFUSION_CHECKOUT and FACEFUSION_PYTHON name; needs root, podman, the docker command and a network namespace of its own
	.ci/prometheus/build.sh
	test/install/prepare.sh runbooks
	go test -count=1 -v -timeout 20m -tags runbooks -run TestRunbooks ./test/install/...

.PHONY: e2e-upgrade
e2e-upgrade: build bin/otelcol-facefusion-doctor bin/simulator ## upgrade from the package of an earlier commit to that of this one, and back, while jobs run: FROM=COMMIT, the last version or commit by default; needs root, downloads Debian once
	test/install/prepare.sh system
	test/install/upgrade.sh $(FROM)
	go test -count=1 -v -timeout 15m -tags upgrade -run TestUpgradeBetweenCommits ./test/install/...

.PHONY: wheel test-python e2e-python cost-python
wheel: .cache/python/installed-requirements.txt ## build the Python package facefusion-observability: wheel and sdist, to instrumentation/dist
	.ci/python.sh wheel

test-python: wheel ## type-check, lint and test it, without servers
	.ci/python.sh check
	.ci/python.sh test

e2e-python: build wheel ## it in the real Gradios that FaceFusion pins, FastAPI under uvicorn and gunicorn, Flask and Celery, and the built collector beside it; installs them from PyPI into .cache/
	test/gradio/install.sh .cache/gradio
	PYTHON=.cache/gradio/bin/python instrumentation/install.sh gradio .cache/gradio-inside
	.ci/python.sh gradio

cost-python: wheel ## print what a request costs with and without the package, p50 and p99
	.ci/python.sh cost

series: build bin/simulator ## count the series of a host with eight GPUs and two FaceFusions
	go test -count=1 -v -tags e2e,series -run Series ./test/e2e/...

load: build bin/simulator ## print how many such hosts one gateway carries, for each core
	go run ./test/load

cost: build bin/simulator ## measure the whole process beside what a user would run instead; writes its figures into the documents; needs root. COST_ARGS="-speed 10" and the like
	.ci/cost.sh all -report docs/performance.md $(COST_ARGS)

cost-growth: build bin/simulator ## measure how that grows with the host: processes, jobs, GPUs, FaceFusions, connections, scrapers; ten minutes
	.ci/cost.sh own -growth -window 30s -warmup 30s -report docs/performance.md $(COST_ARGS)

latency: build bin/simulator ## measure how long after an event it is reported, at rest and under load; writes docs/performance.md; needs root
	.ci/cost.sh own -latency -report docs/performance.md

cost-check: build bin/simulator ## the agent beside an empty collector and the floor in half a minute: fails where it costs much more than it did; CI has it among its budgets
	.ci/cost.sh own -short

gpu: gpu-kit ## compare with nvidia-smi and print what each call costs; needs an NVIDIA GPU. GPU_ARGS="-load=false" and the like
	dist/gpu-kit/run.sh dist/gpu-result $(GPU_ARGS)

# Its programs are linked with glibc 2.31, so that they run on what is older than this machine.
gpu-kit: sources ## the same as a folder, dist/gpu-kit, to be carried to a machine that has a GPU and nothing else; downloads the C library of Debian 11 once, but not with SYSROOT=none
	@.ci/linker.sh environment
	@rm -rf dist/gpu-kit && mkdir -p dist/gpu-kit
	flags=$$(.ci/sysroot.sh) && \
		go build -buildmode=pie -trimpath -ldflags="-s -w -X main.version=$(VERSION)+$(COMMIT) $$flags" -o dist/gpu-kit/gpu-kit ./test/gpu && \
		cd distribution/agent && go build -buildmode=pie -trimpath -ldflags="-s -w $$flags" -o ../../dist/gpu-kit/otelcol-facefusion .
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o dist/gpu-kit/simulator ./simulator
	@set -e; for program in gpu-kit otelcol-facefusion; do .ci/linker.sh binary dist/gpu-kit/$$program; [ "$(SYSROOT)" = none ] || .ci/linker.sh glibc dist/gpu-kit/$$program 2.31; done
	cp test/gpu/kit/run.sh dist/gpu-kit/

deploy-test: ## check rules, alerts and messages with the programs and the code of Prometheus and Alertmanager
	.ci/prometheus/check.sh

chart-test: build ## lint and render the Helm chart and decode every object strictly; the built collector takes its configurations
	cd test/chart && CGO_ENABLED=0 go vet -tags full,cluster ./... && CGO_ENABLED=0 go test -count=1 ./...

chart-test-full: build build-full ## the same with the full distribution, whose build takes some minutes
	cd test/chart && CGO_ENABLED=0 go test -count=1 -tags full ./...

.PHONY: cluster-test
cluster-test: ## ask a real API server, with PodSecurity, what it says of every object of the chart and of deploy/kubernetes; builds it once, which takes six minutes
	.ci/kubernetes/build.sh
	cd test/chart && CGO_ENABLED=0 go test -count=1 -v -tags cluster -run TestARealServer ./...

own-build: ## build the collector of one's own that docs/other-collectors.md shows
	.ci/own-build.sh

look: deploy/grafana/look/node_modules ## draw the dashboards over PROMETHEUS_URL, pictures to docs/images; needs Node.js, Chromium and the font Inter
	@mkdir -p docs/images
	node deploy/grafana/look/look.mjs docs/images
	@mkdir -p docs/images/zh
	LOOK_LANGUAGE=zh LOOK_BUILT=1 node deploy/grafana/look/look.mjs docs/images/zh

check: ## everything that is wrong without being run: generated code, format, vet, lint, configurations
	.ci/check.sh

generate: ## generate code and documentation from metadata.yaml
	go generate ./...
	cd docs/generate && go vet . && go run . ../../receiver/facefusionreceiver ../metrics.md
	cd deploy/prometheus/generate && $(PROMETHEUS) go vet . && $(PROMETHEUS) go run .

update: ## resolve the modules of both distributions anew, after a change of a builder-config or of go.mod
	$(call resolve,builder-config.yaml,agent)
	$(call resolve,builder-config.full.yaml,full)

# With the tags of the tests of whole programs: what they select is linted as well.
lint: ## the linters of .golangci.yml
	GOFLAGS="$(GOFLAGS) -buildmode=pie" $$($(LINT)) run --allow-parallel-runners \
		--build-tags e2e,gradio,servers,durability,traces,series,install,upgrade,ledger,soak,real,deployments ./...

format: ## format the code, and wrap its comments at 100 columns
	go run ./internal/reflow -w $$(git ls-files '*.go')
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built
	rm -rf bin _build dist .cache
	git clean -fdxq distribution

bin/otelcol-facefusion-doctor: FORCE
	go build -trimpath -ldflags='-s -w -X main.version=$(VERSION)+$(COMMIT)' -o $@ ./cmd/doctor

bin/simulator: FORCE
	go build -o $@ ./simulator

deploy/grafana/look/node_modules: deploy/grafana/look/package-lock.json
	cd $(@D) && npm ci
	@touch $@

.PHONY: .cache/exporters
.cache/prometheus/prometheus: FORCE
	.ci/prometheus/build.sh

.cache/jaeger/jaeger: FORCE
	CGO_ENABLED=0 go build -modfile=.ci/jaeger/go.mod -ldflags='-s -w' -o $@ github.com/jaegertracing/jaeger/cmd/jaeger

.cache/python/installed-requirements.txt: instrumentation/requirements/test.txt instrumentation/install.sh
	instrumentation/install.sh test .cache/python

.PHONY: FORCE
FORCE:

# Position-independent, and lazily bound whatever the compiler of a distribution does with that by itself: docs/decisions/0010-hardening.md.
# ocb_sources CONFIG
define ocb_sources
	@mkdir -p _build
	@sed 's/^  version: [^ ]*/  version: $(VERSION)+$(COMMIT)/' $(1) > _build/$(1)
	GOFLAGS="$(GOFLAGS) -mod=readonly" $(TOOL) builder --config _build/$(1) --skip-get-modules --skip-compilation
endef

# ocb CONFIG DISTRIBUTION BINARY: the modules are those of the committed go.mod and go.sum, not what a registry has today.
define ocb
	@.ci/linker.sh environment
	@mkdir -p _build bin
	@sed 's/^  version: [^ ]*/  version: $(VERSION)+$(COMMIT)/' $(1) > _build/$(1)
	GOFLAGS="$(GOFLAGS) -mod=readonly -buildmode=pie" $(TOOL) builder --config _build/$(1) --skip-get-modules --ldflags='-s -w -extldflags=-Wl,-z,lazy'
	@mv distribution/$(2)/otelcol-facefusion bin/$(3)
	@.ci/linker.sh binary bin/$(3)
	@.ci/linker.sh hardened bin/$(3)
endef

define resolve
	@mkdir -p distribution/$(2)
	$(TOOL) builder --config $(1) --skip-compilation --skip-strict-versioning=false
endef
