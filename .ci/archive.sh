#!/usr/bin/env bash
# Packs a folder's NAMEs into a .tar.gz: the same content gives the same bytes. Links are packed as what they lead to, as the chart's files/ are links out of it.
#
#   archive.sh FILE FOLDER NAME...
#
# SOURCE_DATE_EPOCH is the time that all files get.
set -euo pipefail

file=$1 folder=$2
shift 2
tar -C "$folder" --dereference --hard-dereference --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "$@" | gzip -9n >"$file"
