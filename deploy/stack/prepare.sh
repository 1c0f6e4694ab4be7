#!/usr/bin/env bash
# Makes what compose.yaml mounts and the repository cannot have, where it is missing: the secrets, and the name of this host. Nothing that is there is touched.
#
#   prepare.sh [folder]
set -euo pipefail
folder=${1:-$(dirname "$0")/local}

mkdir -p "$folder/secrets" "$folder/targets"
# The folder is yours alone. The files in it are mounted one by one, for programs that run as users of their own.
chmod 700 "$folder"
secret() { # NAME VALUE
	[ -e "$folder/secrets/$1" ] || printf %s "$2" >"$folder/secrets/$1"
	chmod 444 "$folder/secrets/$1"
}
secret grafana-admin-password "$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')"
# Empty until you write them: see deploy/alertmanager/alertmanager.yml.
for name in smtp-password wecom-secret dingtalk-url watchdog-url; do secret $name ""; done

host=$(cat /etc/hostname)
target() {
	[ -e "$folder/targets/$1" ] || printf -- '- targets: [127.0.0.1:%s]\n  labels:\n    host_name: %s\n' "$2" "$host" >"$folder/targets/$1"
}
target agents.yml 9464
target collectors.yml 9466
