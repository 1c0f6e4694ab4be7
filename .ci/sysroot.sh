#!/usr/bin/env bash
# Prints the linker flags for a program that runs with glibc 2.31 and later (Debian 11, Ubuntu 20.04), whatever this machine has: the kit for GPUs is carried to
# machines that nobody prepared. Only the linking differs, so that nothing is compiled anew. Downloads that Debian's C library into .cache/sysroot once.
#
#   sysroot.sh          SYSROOT=none links with what this machine has, SYSROOT=FOLDER with that one
set -euo pipefail
cd "$(dirname "$0")/.."

root=${SYSROOT:-$PWD/.cache/sysroot}
if [ "$root" = none ]; then
	echo "-extldflags '-Wl,-z,lazy'"
	exit
fi

if [ ! -e "$root/complete" ]; then
	[ -z "${SYSROOT:-}" ] || { echo "SYSROOT names $root, which sysroot.sh has not made" >&2; exit 1; }
	if ! command -v mmdebstrap >/dev/null; then
		if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
			echo "install mmdebstrap, which downloads an older C library to link with, or set SYSROOT=none: the kit then needs the glibc of this machine, or a later one" >&2
			exit 1
		fi
		apt-get update -q >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends mmdebstrap >&2
	fi
	rm -rf "$root"
	mkdir -p "$(dirname "$root")"
	mmdebstrap --quiet --variant=extract --include=libc6-dev bullseye "$root" >&2
	# Links within it must not lead out of it.
	find "$root" -type l -lname '/*' | while read -r link; do
		ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$root$(readlink "$link")")" "$link"
	done
	# glibc 2.34 moved res_search to libc and gave it a plain name, by which Go's net package calls it.
	printf '.globl res_search\n.type res_search, @function\nres_search: %s __res_search\n.section .note.GNU-stack,"",@progbits\n' \
		"$(case $(uname -m) in aarch64) echo b ;; *) echo jmp ;; esac)" | as -o "$root/res_search.o" -
	touch "$root/complete"
fi

# gcc looks into its own folders before those of a sysroot.
libraries=$(dirname "$(find "$root/usr/lib" -name crt1.o | head -1)")
echo "-extldflags '--sysroot=$root -B$libraries -L$libraries $root/res_search.o -lresolv -Wl,-z,lazy'"
