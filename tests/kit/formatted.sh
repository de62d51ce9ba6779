#!/usr/bin/env bash
# Holds the sources against .clang-format, and the scripts against shellcheck. Exit status 77: the
# tools are not there, or another version than the one that the sources were formatted with.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in clang-format shellcheck; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" && exit 77; }
done
[[ $(clang-format --version) =~ version\ 14\. ]] || { echo "clang-format is not version 14" && exit 77; }

mapfile -t sources < <(find common labs solutions tests scripts -name '*.?pp')
mapfile -t scripts < <(grep -lrE '^#!/usr/bin/env bash|^# shellcheck shell=bash' lab scripts labs tests slides/build .ci)
((${#sources[@]} > 0 && ${#scripts[@]} > 0))
clang-format --dry-run --Werror "${sources[@]}"
shellcheck "${scripts[@]}"
echo "looked at ${#sources[@]} sources and ${#scripts[@]} scripts"
