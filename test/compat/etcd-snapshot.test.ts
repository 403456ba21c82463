import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '@raftsman/journal';
import { encodeCommand } from '@raftsman/mvcc';
import { configurationOf } from '@raftsman/raft';
import { afterEach, describe, expect, it } from 'vitest';
import { clusterIdOf, memberIdOf } from '../../services/store/src/replica/identity.js';
import { restoreSnapshot } from '../../services/store/src/snapshot/restore.js';
import { saveSnapshot } from '../../services/store/src/snapshot/save.js';
import { formatStatus, snapshotStatus } from '../../services/store/src/snapshot/status.js';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';
import { etcdctl as etcdctlAt, type Outcome } from './etcdctl.js';
import { etcdctlBinary, missing, startEtcd, type Peer } from './etcd-peer.js';

const reason = missing(etcdctlBinary);
if (reason !== undefined) console.warn(reason);

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'snapshot-compat-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The client's own log lines go. */
async function etcdctl(address: string, ...args: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await etcdctlAt([address], args);
  const plain = stderr.replaceAll(/^\{"level":.*\n/gm, '').replaceAll(address, 'ADDRESS');
  return { exitCode, stdout: stdout.replaceAll(address, 'ADDRESS'), stderr: plain };
}

async function done(address: string, ...args: readonly string[]): Promise<string> {
  const outcome = await etcdctl(address, ...args);
  if (outcome.exitCode !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${outcome.stderr}`);
  return outcome.stdout;
}

async function etcd(options: Parameters<typeof startEtcd>[0] = {}): Promise<Peer> {
  const peer = await startEtcd(options);
  cleanups.push(() => peer.close());
  return peer;
}

/** One member of ours, with what a restored directory holds. */
async function oursFrom(file: string): Promise<{ readonly serving: Serving; readonly address: string }> {
  const dataDirectory = join(await temporaryDirectory(), 'data');
  const members = [{ name: 'default', peerUrls: ['http://127.0.0.1:2380'], isWitness: false }];
  await restoreSnapshot({
    file,
    dataDirectory,
    members,
    name: 'default',
    clusterToken: 'etcd-cluster',
    checkHash: true,
    change: { bumpBy: 0, markCompacted: false },
    disableAuth: false,
  });
  const memberId = memberIdOf(members[0]!, 'etcd-cluster');
  const identity = { memberId, clusterId: clusterIdOf(members, 'etcd-cluster'), name: 'default' };
  const journal = await Journal.open(join(dataDirectory, 'member'), identity, configurationOf([memberId]));
  const serving = await serveSingleMember();
  cleanups.push(() => serving.close());
  try {
    await serving.stateMachine.restore(journal.rowBatches());
  } finally {
    await journal.close();
  }
  return { serving, address: `127.0.0.1:${serving.port}` };
}

const etcdFrom = (file: string): Promise<Peer> =>
  etcd({
    prepare: (dataDirectory, peerUrl) =>
      done(
        'localhost:1',
        'snapshot',
        'restore',
        file,
        `--data-dir=${dataDirectory}`,
        `--initial-cluster=default=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
      ),
  });

/** Keys with several versions, gone ones, large and binary ones, leases, transactions, and a compaction in the middle. */
async function fill(address: string): Promise<void> {
  for (let at = 0; at < 12; at += 1) await done(address, 'put', `k${at % 5}`, `v${at}`);
  const lease = /lease ([0-9a-f]+)/.exec(await done(address, 'lease', 'grant', '900'))![1]!;
  await done(address, 'put', 'leased', 'x', '--lease', lease);
  await done(address, 'lease', 'grant', '700');
  await done(address, 'put', 'large', 'x'.repeat(50_000));
  await done(address, 'del', 'k1');
  await done(address, 'del', '--prefix', 'k2');
  await done(address, 'compact', '7');
  await done(address, 'put', 'k1', 'again');
  await done(address, 'put', 'ключ', 'значение');
}

/** What clients can see. Member, cluster and term are others. */
async function visible(address: string): Promise<object> {
  const clean = (text: string): string =>
    text
      .replaceAll(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
      .replaceAll(/remaining\(\d+s\)/g, 'remaining(Ns)');
  const seen: Record<string, unknown> = {};
  const newest = await done(address, 'get', '--prefix', '', '-w', 'json');
  const { revision } = (JSON.parse(newest) as { header: { revision: number } }).header;
  seen['now'] = clean(newest);
  for (let at = 1; at <= revision + 1; at += 1)
    seen[`at ${at}`] = await etcdctl(address, 'get', '--prefix', '', `--rev=${at}`);
  const leases = (await done(address, 'lease', 'list')).split('\n').toSorted();
  seen['leases'] = leases;
  for (const id of leases.filter((line) => /^[0-9a-f]{16}$/.test(line)))
    seen[id] = clean(await done(address, 'lease', 'timetolive', id, '--keys'));
  return seen;
}

describe.skipIf(reason !== undefined)(
  `snapshots of etcd and of ours ${reason ?? ''}`,
  { timeout: 180_000 },
  () => {
    it('go from etcd to us and back, and nobody sees a difference', async () => {
      const directory = await temporaryDirectory();
      const first = await etcd();
      await fill(first.address);
      const [theirs, mine, again] = ['theirs', 'mine', 'again'].map((name) => join(directory, `${name}.db`));
      await done(first.address, 'snapshot', 'save', theirs!);
      await sameStatus(theirs!);

      const ours = await oursFrom(theirs!);
      const before = await visible(first.address);
      expect(await visible(ours.address)).toEqual(before);

      await done(ours.address, 'put', 'here', 'y');
      await done(ours.address, 'del', 'k3');
      await done(ours.address, 'compact', '9', '--physical');
      await done(ours.address, 'snapshot', 'save', mine!);
      await sameStatus(mine!);

      const second = await etcdFrom(mine!);
      expect(await visible(second.address)).toEqual(await visible(ours.address));
      await done(second.address, 'put', 'there', 'z');
      await saveSnapshot(second.address, 'insecure', again!);
      await sameStatus(again!);
      expect(await visible((await oursFrom(again!)).address)).toEqual(await visible(second.address));
    });

    it('of ours are of many pages too', async () => {
      const directory = await temporaryDirectory();
      const serving = await serveSingleMember();
      cleanups.push(() => serving.close());
      const address = `127.0.0.1:${serving.port}`;
      const put = { kind: 'put', lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false } as const;
      for (let at = 0; at < 30_000; at += 1)
        await serving.replica.propose(
          encodeCommand({ ...put, key: `key-${at % 9_000}`, value: `value ${at}` }),
        );
      const file = join(directory, 'large.db');
      await done(address, 'snapshot', 'save', file);
      const status = await sameStatus(file);
      expect(status).toMatchObject({ revision: 30_001 });
      expect(status.totalKey).toBeGreaterThan(30_000);
      const restored = await etcdFrom(file);
      const keys = await done(restored.address, 'get', '--prefix', 'key-', '--keys-only');
      expect(keys.split('\n').filter((line) => line !== '')).toHaveLength(9_000);
      expect(await done(restored.address, 'get', 'key-77')).toBe(await done(address, 'get', 'key-77'));
    });

    it('are told apart from other files in the same words', async () => {
      const directory = await temporaryDirectory();
      const serving = await serveSingleMember();
      cleanups.push(() => serving.close());
      const file = join(directory, 'cut.db');
      await done(`127.0.0.1:${serving.port}`, 'snapshot', 'save', file);
      await truncate(file, 8_192);
      const theirs = await etcdctl(
        'localhost:1',
        'snapshot',
        'restore',
        file,
        '--data-dir',
        join(directory, 'a'),
      );
      await expect(oursFrom(file)).rejects.toThrow('snapshot missing hash but --skip-hash-check=false');
      expect(theirs.stderr).toContain('snapshot missing hash but --skip-hash-check=false');
    });
  },
);

/** Ours and etcdctl's, in all its formats. */
async function sameStatus(file: string) {
  const status = await snapshotStatus(file);
  for (const format of ['simple', 'json', 'table', 'fields'] as const)
    expect(`${formatStatus(status, format)}\n`).toBe(
      await done('localhost:1', 'snapshot', 'status', file, '-w', format),
    );
  return status;
}

describe.skipIf(reason !== undefined)(
  `alarms of etcd and of ours ${reason ?? ''}`,
  { timeout: 120_000 },
  () => {
    it('refuse and let through the same, and are disarmed alike', async () => {
      const quota = 300_000;
      const theirs = await etcd({ flags: { 'quota-backend-bytes': String(quota) } });
      const serving = await serveSingleMember({ quotaBackendBytes: quota });
      cleanups.push(() => serving.close());
      const addresses = [theirs.address, `127.0.0.1:${serving.port}`] as const;
      const same = async (...args: readonly string[]): Promise<string> => {
        const clean = (text: string): string => text.replaceAll(/memberID:\d+/g, 'memberID:N');
        const [their, our] = await Promise.all(addresses.map((address) => etcdctl(address, ...args)));
        expect({ args, ...our!, stdout: clean(our!.stdout) }).toEqual({
          args,
          ...their!,
          stdout: clean(their!.stdout),
        });
        return our!.stdout + our!.stderr;
      };
      expect(await same('alarm', 'list')).toBe('');
      // How much fits is not the same; that it ends is.
      for (const address of addresses)
        for (let at = 0; ; at += 1) {
          expect(at).toBeLessThan(100);
          if ((await etcdctl(address, 'put', 'big', 'x'.repeat(20_000))).exitCode !== 0) break;
        }
      expect(await same('put', 'k', 'v')).toContain('etcdserver: mvcc: database space exceeded');
      expect(await same('alarm', 'list')).toBe('memberID:N alarm:NOSPACE \n'.replace('N', String(0xabc)));
      await same('lease', 'grant', '60');
      await same('get', 'k');
      await same('del', 'big');
      for (const address of addresses) {
        const errors = JSON.parse(await done(address, 'endpoint', 'status', '-w', 'json')) as [
          { Status: { errors: string[] } },
        ];
        expect(errors[0].Status.errors[0]).toMatch(/^memberID:\d+ alarm:NOSPACE $/);
      }
      const revision = /"Revision" : (\d+)/;
      for (const address of addresses) {
        const now = revision.exec(await done(address, 'get', 'k', '-w', 'fields'))![1]!;
        await done(address, 'compact', now, '--physical');
      }
      await same('defrag');
      await same('alarm', 'disarm');
      expect(await same('alarm', 'list')).toBe('');
      expect(await same('put', 'k', 'v')).toBe('OK\n');
      await same('move-leader', '5');
    });
  },
);
