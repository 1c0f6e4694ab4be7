#!/usr/bin/env bash
# Builds the real kube-apiserver, etcd and kubectl into .cache/kubernetes, in the versions of the module beside this: six minutes on two cores, the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
version=$(go list -modfile=.ci/kubernetes/go.mod -m -f '{{.Version}}' k8s.io/kubernetes)
name=k8s.io/component-base/version
minor=${version#v1.}
mkdir -p .cache/kubernetes
go build -modfile=.ci/kubernetes/go.mod -ldflags='-s -w' -o .cache/kubernetes/etcd go.etcd.io/etcd/server/v3
go build -modfile=.ci/kubernetes/go.mod -ldflags="-s -w -X $name.gitVersion=$version -X $name.gitMajor=1 -X $name.gitMinor=${minor%%.*}" -o .cache/kubernetes/ \
	k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl
