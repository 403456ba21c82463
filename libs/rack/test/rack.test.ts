import { describe, expect, it } from 'vitest';
import { parseClusterConfig } from '@raftsman/config';
import { containerdConfig, containerdPaths } from '../src/containerd.js';
import { isStatic } from '../src/image.js';
import { rackLimits } from '../src/limits.js';
import { mountsBelow } from '../src/mounts.js';
import { inMachine, rackPlan } from '../src/plan.js';
import { withDescendants } from '../src/processes.js';

const cluster = (change: { readonly name?: string; readonly worker?: string } = {}) =>
  parseClusterConfig(
    `name: ${change.name ?? 'trial'}
kind: rack
runtime: cri
gateway: { address: 10.9.8.10 }
masters: [{ name: master-1, address: 10.9.8.11 }]
workers: [${change.worker ?? '{ name: worker-1, address: 10.9.8.21 }'}]
`,
    'test',
  );

describe('the plan of a rack', () => {
  it('has a namespace and a port for every machine, and an address for this computer', () => {
    const plan = rackPlan(cluster());
    expect(plan.hostAddress).toBe('10.9.8.1');
    expect(plan.machines).toEqual([
      { name: 'gateway', address: '10.9.8.10', namespace: 'raftsman-trial-gateway', port: 'port0' },
      { name: 'master-1', address: '10.9.8.11', namespace: 'raftsman-trial-master-1', port: 'port1' },
      { name: 'worker-1', address: '10.9.8.21', namespace: 'raftsman-trial-worker-1', port: 'port2' },
    ]);
    expect(inMachine(plan.machines[2]!)).toEqual(['nsenter', '--net=/run/netns/raftsman-trial-worker-1']);
  });

  it('tells the racks of one computer apart, within the length of an interface name', () => {
    const ports = ['trial', 'trial-2', 'rack', 'e2e-rack'].map(
      (name) => rackPlan(cluster({ name })).hostPort,
    );
    expect(new Set(ports).size).toBe(ports.length);
    for (const port of ports) expect(port).toMatch(/^[a-z0-9]{1,15}$/);
  });

  it.each([
    [
      '{ name: worker-1, address: 10.9.7.21 }',
      "worker-1 (10.9.7.21) is not in the rack's network 10.9.8.0/24",
    ],
    ['{ name: worker-1, address: 10.9.8.11 }', 'worker-1 and master-1 have one address, 10.9.8.11'],
    ['{ name: worker-1, address: 10.9.8.1 }', 'worker-1 and this computer have one address, 10.9.8.1'],
    ['{ name: gateway, address: 10.9.8.21 }', 'two machines of the rack are named gateway'],
    ['{ name: switch, address: 10.9.8.21 }', 'two machines of the rack are named switch'],
  ])('refuses %s', (worker, message) => {
    expect(() => rackPlan(cluster({ worker }))).toThrow(new RangeError(message));
  });

  it('refuses names that leave no room for a socket', () => {
    const long = 'n'.repeat(60);
    expect(() => rackPlan(cluster({ name: long, worker: `{ name: ${long}, address: 10.9.8.21 }` }))).toThrow(
      /too long together for a socket/,
    );
    const { socket } = containerdPaths('/data', 'trial', 'worker-1');
    expect(Buffer.byteLength(`${socket}.ttrpc`)).toBeLessThanOrEqual(rackLimits.socketPathBytesMax);
  });
});

describe('what a machine leaves', () => {
  it('is mounted in its folders alone, and unmounted last first', () => {
    const info = [
      '31 1 0:4 / /run/raftsman/trial/worker-1/state/shm rw - tmpfs shm rw',
      '32 31 0:4 / /run/raftsman/trial/worker-1/state/shm/inner rw - tmpfs shm rw',
      '33 1 0:4 / /run/raftsman/trial/worker-10/state/shm rw - tmpfs shm rw',
      '34 1 0:4 / /run/raftsman/trial/worker-1/with\\040blank rw - tmpfs shm rw',
      '',
    ].join('\n');
    expect(mountsBelow(info, '/run/raftsman/trial/worker-1')).toEqual([
      '/run/raftsman/trial/worker-1/with blank',
      '/run/raftsman/trial/worker-1/state/shm/inner',
      '/run/raftsman/trial/worker-1/state/shm',
    ]);
  });

  it('are the chosen processes and all below them, in whatever order they are listed', () => {
    const process = (pid: number, parent: number, word: string) => ({ pid, parent, words: [word] });
    const processes = [
      process(9, 8, 'grandchild'),
      process(8, 7, 'child'),
      process(7, 1, 'shim'),
      process(6, 1, 'other shim'),
      process(5, 6, 'other child'),
    ];
    const pids = withDescendants(processes, ({ words }) => words[0] === 'shim');
    expect(new Set(pids)).toEqual(new Set([7, 8, 9]));
    expect(withDescendants(processes, () => false)).toEqual([]);
  });

  it('can be found by path: its containerd keeps nothing elsewhere', () => {
    const paths = containerdPaths('/data/worker-1', 'trial', 'worker-1');
    const config = containerdConfig(paths, 'pause:1');
    for (const path of config.matchAll(/= "(\/[^"]*)"/g))
      expect(path[1]).toMatch(/^(\/data\/worker-1|\/run\/raftsman\/trial\/worker-1|\/usr\/lib\/cni)(\/|$)/);
    expect(config).toContain('netns_mounts_under_state_dir = true');
  });
});

it('an image takes a busybox without libraries only', () => {
  expect(isStatic(Buffer.from('\x7fELF statically linked'))).toBe(true);
  expect(isStatic(Buffer.from('\x7fELF /lib64/ld-linux-x86-64.so.2'))).toBe(false);
  expect(isStatic(Buffer.from('\x7fELF /lib/ld-musl-aarch64.so.1'))).toBe(false);
});
