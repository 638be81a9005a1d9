#!/bin/bash
# A Blender program with a window, for `make gui`, where none is installed: Debian's own package in a folder of its own.
#
#     scripts/gui_blender.sh FOLDER        needs root, mmdebstrap and some 1.2 GB
#
# Nothing of this machine is changed; `rm -rf FOLDER` takes it away again. Debian sid has the newest Blender, and moves.
set -eu
folder=$(realpath -m "${1:?a folder}")
if [ -x "$folder/usr/bin/blender" ]; then
  echo "There is a Blender in $folder already."
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v mmdebstrap >/dev/null; then
  echo "This needs root and mmdebstrap (apt-get install mmdebstrap). Or install Blender 4.5 or newer yourself." >&2
  exit 1
fi
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | sed -n 1p)
if [ -z "$mirror" ]; then
  echo "apt's settings name no mirror of Debian. Install Blender 4.5 or newer yourself, and name it in BLENDER." >&2
  exit 1
fi
mkdir -p "$(dirname "$folder")"
making=$folder.making
rm -rf "$making"
# Mirrors may keep sid's index longer than it is valid; signatures are checked all the same.
mmdebstrap --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
  --include=ca-certificates,locales sid "$making" "$mirror"
chroot "$making" apt-get -qq -o Acquire::Check-Valid-Until=false update
chroot "$making" apt-get -qq -o Dpkg::Options::=--force-unsafe-io install -y --no-install-recommends \
  blender libgl1-mesa-dri libgl1 libegl1 libxkbcommon0 python3-numpy python3-requests python3-cattr
chroot "$making" localedef -i de_DE -f UTF-8 de_DE.UTF-8
chroot "$making" apt-get -qq clean
mv "$making" "$folder"
chroot "$folder" blender --version | sed -n 1p
