#!/usr/bin/env bash
# Install the system libraries that the bpy wheels link to, where apt and the right to use it are at hand.
set -eu
libraries=(libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1 libegl1)
command -v dpkg-query >/dev/null 2>&1 || exit 0
missing=()
for library in "${libraries[@]}"; do
  dpkg-query -W -f '${Status}' "$library" 2>/dev/null | grep -q 'install ok installed' || missing+=("$library")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then run=(); elif command -v sudo >/dev/null 2>&1; then run=(sudo); else
  echo "Blender needs these packages; please install them: ${missing[*]}" >&2
  exit 1
fi
echo "Installing libraries for Blender: ${missing[*]}"
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
