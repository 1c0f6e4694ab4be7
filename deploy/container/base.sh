#!/usr/bin/env bash
# Lays out the base of the image: of Debian, the C library that the NVIDIA driver's library is loaded with, names of services and protocols, and
# certificates. No shell, no package manager. It runs nothing of it, so that any architecture can be made on any machine.
#
#   base.sh ARCHITECTURE FOLDER
set -euo pipefail
arch=$1
root=$(mkdir -p "$2" && cd "$2" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
chmod 755 "$work"
# As this machine is set up, but for the architecture, and without touching what it knows of packages. A mirror's
# signature is checked as ever.
apt() {
	apt-get -q -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work/state" -o Dir::State::status=/dev/null \
		-o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$work" && apt download base-files netbase libc6 libgcc-s1 gcc-12-base ca-certificates)

mkdir -p "$root/var/lib/dpkg/status.d"
for deb in "$work"/*.deb; do
	dpkg-deb -x "$deb" "$root"
	# What scanners for known faults read where there is no package manager.
	dpkg-deb -f "$deb" >"$root/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"
done

# What a running system would have made of it.
mkdir -p "$root/etc/ssl/certs" "$root/tmp"
find "$root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat >"$root/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/:/usr/sbin/nologin\notelcol-facefusion:x:10001:10001::/var/lib/otelcol-facefusion:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\notelcol-facefusion:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# What nobody reads in there. The copyright of each package stays.
rm -rf "$root"/usr/share/{locale,man,info,lintian,bug,ca-certificates,base-files,menu} "$root"/usr/lib/*/gconv "$root"/usr/lib/*/audit \
	"$root"/usr/{s,}bin/* "$root"/{s,}bin/* "$root"/etc/{update-motd.d,profile.d,motd,issue,issue.net,ca-certificates} "$root"/boot "$root"/home "$root"/media "$root"/mnt "$root"/srv
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type d -empty -delete
