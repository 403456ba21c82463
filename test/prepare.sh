#!/usr/bin/env bash
# Installs the Debian packages that the tests use as peers and runtimes, where it may; says what will be skipped where it may not.
set -euo pipefail

packages=(etcd-server etcd-client nats-server containerd runc containernetworking-plugins nftables iptables iproute2 busybox-static util-linux procps)
missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "SKIPPED: tests that need ${missing[*]} (install as root: apt-get install ${missing[*]})" >&2
  exit 0
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A fresh machine has no package lists; the daemons that come with the packages are not for us to run.
apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
  { apt-get update >/dev/null && apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null; }
