import { spawnSync } from 'node:child_process';
import type { ClusterConfig } from '@raftsman/config';
import { UserError } from './errors.js';
import { findProgram } from './process/spawn.js';

/** A program that a cluster needs, and the Debian package that has it. */
interface Prerequisite {
  readonly program: string;
  readonly debianPackage: string;
}

const always: readonly Prerequisite[] = [
  { program: 'nats-server', debianPackage: 'nats-server' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'busybox', debianPackage: 'busybox-static' },
];
const forContainers: readonly Prerequisite[] = [
  { program: 'containerd', debianPackage: 'containerd' },
  { program: 'ctr', debianPackage: 'containerd' },
  { program: 'runc', debianPackage: 'runc' },
  { program: 'nft', debianPackage: 'nftables' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  // CNI's portmap plugin makes hostPorts with it.
  { program: 'iptables', debianPackage: 'iptables' },
];

/** CNI plugins are not on PATH: Debian keeps them in /usr/lib/cni. */
const cniPlugin: Prerequisite = {
  program: '../lib/cni/ptp',
  debianPackage: 'containernetworking-plugins',
};

/** Debian packages that are missing for this cluster. */
export function missingPackages(cluster: ClusterConfig): readonly string[] {
  const needed = cluster.runtime === 'process' ? always : [...always, ...forContainers, cniPlugin];
  return [
    ...new Set(
      needed.filter(({ program }) => findProgram(program) === null).map(({ debianPackage }) => debianPackage),
    ),
  ];
}

/** Installs what is missing as root on Debian; elsewhere says what to install. Throws UserError. */
export function ensurePrerequisites(cluster: ClusterConfig, say: (line: string) => void): void {
  const missing = missingPackages(cluster);
  if (missing.length === 0) return;
  const install = `apt-get install ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === null) {
    throw new UserError(`missing: ${missing.join(', ')}; install as root: ${install}`);
  }
  say(`installing ${missing.join(', ')}`);
  const apt = (...words: readonly string[]): boolean =>
    spawnSync('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...words], { stdio: 'ignore' }).status ===
    0;
  const options = ['install', '-y', '--no-install-recommends', ...missing];
  if (!apt(...options) && !(apt('update') && apt(...options)))
    throw new UserError(`cannot install ${missing.join(', ')}; try: ${install}`);
}
