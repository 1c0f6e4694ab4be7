#!/bin/sh
# Refuses what builds and passes every test without a driver, and then crashes on the first host with a GPU. go-nvml leaves NVML's symbols
# undefined and lets the dynamic linker bind each at its first call; whatever binds at start, or links statically, breaks that.
#
#   linker.sh environment    before a build: the flags that would do harm
#   linker.sh binary FILE    after it: what was built
#   linker.sh hardened FILE  that an agent is position-independent, and that what is not written after the start cannot be written
#   linker.sh glibc FILE VERSION   that it asks for no later C library
set -eu

refuse() {
	echo "refused: $1" >&2
	exit 1
}

environment() {
	for name in CC CGO_LDFLAGS LDFLAGS GOFLAGS; do
		value=$(printenv "$name" || true)
		case $value in
		*-fuse-ld=gold* | *-fuse-ld=mold* | *-fuse-ld=lld*)
			refuse "$name is '$value': the program would crash when it loads the NVIDIA driver's library. Link with GNU ld: remove -fuse-ld" ;;
		*-static*)
			refuse "$name is '$value': a static program cannot load the NVIDIA driver's library. Remove -static" ;;
		*-z,now* | *"-z now"* | *-znow* | *"-z -Wl,now"* | *-bindnow*)
			refuse "$name is '$value': the program would look for the NVIDIA driver's symbols at start, and end without them. Remove -z now" ;;
		esac
	done
	[ -z "${LD_BIND_NOW:-}" ] || refuse "LD_BIND_NOW is set: the program would look for the NVIDIA driver's symbols at start, and end without them. Unset it"
	[ "${CGO_ENABLED:-1}" != 0 ] || refuse "CGO_ENABLED is 0: the GPU probe needs cgo. Unset it"
	compiler=${CC:-cc}
	command -v "${compiler%% *}" >/dev/null || refuse "no C compiler: install gcc and libc6-dev (or set CC)"
}

binary() {
	command -v readelf >/dev/null || refuse "no readelf to look at $1 with: install binutils"
	readelf -lW "$1" | grep -q INTERP || refuse "$1 is linked statically: it could not load the NVIDIA driver's library"
	if readelf -dW "$1" | grep -qE 'BIND_NOW|FLAGS_1.*\bNOW\b'; then
		refuse "$1 binds its symbols at start (-z now): it would end where the NVIDIA driver lacks one"
	fi
	if readelf -SW "$1" | grep -q '\.note\.gnu\.gold-version' || readelf -p .comment "$1" | grep -qiE 'mold|lld'; then
		refuse "$1 was not linked with GNU ld: it would crash when it loads the NVIDIA driver's library"
	fi
	if readelf -dW "$1" | grep -q 'NEEDED.*nvidia'; then
		refuse "$1 cannot start without the NVIDIA driver's library: it is to be loaded when it is there"
	fi
	readelf -sW --dyn-syms "$1" | grep -q 'UND nvmlInit' || refuse "$1 was built without NVML: is cgo_enabled set in its builder configuration?"
}

# BIND_NOW is what hardening would add; binary() says why it cannot be.
hardened() {
	readelf -hW "$1" | grep -q 'Type: *DYN' || refuse "$1 is not position-independent: build it with -buildmode=pie"
	readelf -lW "$1" | grep -q GNU_RELRO || refuse "$1 has no RELRO: link it with -z relro"
	! readelf -lW "$1" | grep GNU_STACK | grep -q 'RWE' || refuse "$1 has an executable stack"
	! readelf -dW "$1" | grep -q TEXTREL || refuse "$1 relocates its code"
}

# What is undefined and has no version was found in no library, and would end the program when it is called; except NVML, which is loaded.
glibc() {
	wanted=$(readelf -sW --dyn-syms "$1" | grep -oE '@GLIBC_[0-9.]+' | sort -Vu | tail -1)
	newest=$(printf '@GLIBC_%s\n%s\n' "$2" "$wanted" | sort -V | tail -1)
	[ "$newest" = "@GLIBC_$2" ] || refuse "$1 needs ${wanted#@}, later than $2"
	missing=$(readelf -sW --dyn-syms "$1" | awk '$7 == "UND" && $5 == "GLOBAL" && $8 !~ /@/ && $8 !~ /^nvml/ {print $8}' | sort -u)
	[ -z "$missing" ] || refuse "$1 was linked with a C library that lacks $missing"
}

case ${1:-} in
environment) environment ;;
binary) binary "$2" ;;
hardened) hardened "$2" ;;
glibc) glibc "$2" "$3" ;;
*) refuse "usage: linker.sh environment | binary FILE | hardened FILE | glibc FILE VERSION" ;;
esac
