import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCluster, type Cluster } from './clusters.js';
import { etcdctl, runEtcdctl, type Outcome, type Running } from './etcdctl.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { etcdctlBinary, missing } from './etcd-peer.js';

const reason = missing(etcdctlBinary);
if (reason !== undefined) console.warn(reason);

/** From the simple form: JSON.parse would round etcd's 64-bit ids. */
async function idsByName(cluster: Cluster): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await etcdctl(endpointsOf(cluster), ['member', 'list']);
  return new Map(
    stdout
      .split('\n')
      .map((line) => line.split(', '))
      .filter((fields) => fields.length > 2)
      .map((fields) => [fields[2]!, fields[0]!]),
  );
}

const endpointsOf = ({ members }: Cluster): readonly string[] => members.map(({ client }) => client);

/** What must differ between two clusters: ids, addresses, sizes, log positions, times. */
function plain(cluster: Cluster, { exitCode, stdout, stderr }: Outcome): Outcome {
  const clean = (text: string): string => {
    let cleaned = text;
    for (const { name, client, peerUrl } of cluster.members)
      cleaned = cleaned.replaceAll(peerUrl, `PEER-${name}`).replaceAll(client, `CLIENT-${name}`);
    return (
      cleaned
        .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'URL')
        .replaceAll(cluster.directory, 'DIRECTORY')
        // In the order of the ids.
        .replaceAll(/(?<=ETCD_INITIAL_CLUSTER=")[^"]*/g, (list) => list.split(',').toSorted().join(','))
        .replaceAll(
          /"(cluster_id|member_id|leader|raftTerm|raft_term|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse|ID|hash|memberID)":\d+/g,
          '"$1":0',
        )
        .replaceAll(/ *\b[0-9a-f]{10,16}\b/g, ' ID')
        .replaceAll(/"version":"3[\d.]+"/g, '"version":"3"')
        .replaceAll(/took = [\d.]+[µm]?s/g, 'took')
        .replaceAll(/^\{"level":"(?:warn|info)".*\n/gm, '')
    );
  };
  return { exitCode, stdout: clean(stdout), stderr: clean(stderr) };
}

/** etcd takes a connection between members for healthy once it is five seconds old. */
async function whenHealthy(run: () => Promise<Outcome>): Promise<Outcome> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const outcome = await run();
    if (!outcome.stderr.includes('unhealthy cluster') || Date.now() > deadline) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const sortedLines = (outcome: Outcome): Outcome => ({
  ...outcome,
  stdout: outcome.stdout.split('\n').toSorted().join('\n'),
  stderr: outcome.stderr.split('\n').toSorted().join('\n'),
});

describe.skipIf(reason !== undefined)(`etcdctl against three members of each ${reason ?? ''}`, () => {
  let clusters: readonly Cluster[] = [];

  beforeAll(async () => {
    clusters = await Promise.all([startCluster('etcd', 3), startCluster('raftsman', 3)]);
    // A member that has just started makes its client URLs known through the log.
    for (const cluster of clusters)
      await vi.waitFor(
        async () => {
          const { stdout } = await etcdctl(endpointsOf(cluster), ['member', 'list']);
          expect(stdout).toMatch(/^(.*, started, .*http.*http.*\n){3}$/);
        },
        { timeout: 60_000 },
      );
  }, 180_000);

  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.close()));
  });

  /** Runs the same on both and compares; `args` may depend on the cluster. Lines of several members come in any order. */
  async function same(
    args: readonly string[] | ((cluster: Cluster) => readonly string[] | Promise<readonly string[]>),
    endpoints: (cluster: Cluster) => readonly string[] = endpointsOf,
  ): Promise<readonly Outcome[]> {
    const outcomes = await Promise.all(
      clusters.map(async (cluster) => {
        const own = typeof args === 'function' ? await args(cluster) : args;
        const raw = await whenHealthy(() => etcdctl(endpoints(cluster), own));
        return { own, raw, plain: sortedLines(plain(cluster, raw)) };
      }),
    );
    const [theirs, ours] = outcomes;
    expect({ args: ours!.own, ...ours!.plain }).toEqual({ args: ours!.own, ...theirs!.plain });
    return outcomes.map(({ raw }) => raw);
  }

  it('metrics of what members say to each other', async () => {
    const samples = async ({ members }: Cluster): Promise<readonly string[]> => {
      const page = await (await fetch(`http://${members[0]!.client}/metrics`)).text();
      const lines = page.split('\n').filter((line) => /^(?:# TYPE )?etcd_network_/.test(line));
      return lines.map((line) => line.replaceAll(/"[0-9a-f]+"/g, 'ID').replace(/ [1-9]\S*$/, ' N'));
    };
    const [theirs, ours] = await Promise.all(clusters.map(samples));
    // etcd does not show what it has not counted yet, as failures.
    const both = ours!.filter((line) => theirs!.includes(line));
    expect(both.filter((line) => line.startsWith('etcd_network_active_peers{'))).toEqual(
      Array(2).fill('etcd_network_active_peers{Local=ID,Remote=ID} N'),
    );
    // Two followers may have had nothing to say to each other.
    expect(both).toContain('etcd_network_peer_received_bytes_total{From=ID} N');
    expect(both).toContain('etcd_network_peer_sent_bytes_total{To=ID} N');
    expect(both).toEqual(expect.arrayContaining(['# TYPE etcd_network_active_peers gauge']));
    expect(both).toEqual(expect.arrayContaining(['# TYPE etcd_network_peer_sent_bytes_total counter']));
  });

  const leaderOf = (cluster: Cluster): Promise<string> =>
    until('a leader', async () => {
      for (const { client, name } of cluster.members) {
        const { stdout } = await etcdctl([client], ['endpoint', 'status', '-w', 'fields']);
        const field = (key: string): string | undefined => new RegExp(`"${key}" : (\\d+)`).exec(stdout)?.[1];
        if (field('MemberID') !== undefined && field('MemberID') === field('Leader')) return name;
      }
      return undefined;
    });

  it('endpoint: health, status and hashkv of all', async () => {
    await same(['endpoint', 'health', '--cluster']);
    await same(['put', 'k', 'v']);
    await same(['endpoint', 'status', '-w', 'json']);
    // The hashes are each one's own, but all members of a cluster agree.
    for (const cluster of clusters) {
      const { stdout } = await etcdctl(endpointsOf(cluster), ['endpoint', 'hashkv', '--cluster']);
      const hashes = stdout
        .trim()
        .split('\n')
        .map((line) => line.split(', ')[1]);
      expect(hashes).toHaveLength(3);
      expect(new Set(hashes).size).toBe(1);
    }
  });

  it('defrag of all', async () => {
    await same(['defrag', '--cluster']);
    const [, ours] = await same(['get', 'k']);
    expect(ours!.stdout).toBe('k\nv\n');
  });

  it('move-leader', async () => {
    const plans = await Promise.all(
      clusters.map(async (cluster) => {
        const leader = await leaderOf(cluster);
        const ids = await idsByName(cluster);
        const target = cluster.members.find(({ name }) => name !== leader)!.name;
        return { cluster, leader, target, targetId: ids.get(target)! };
      }),
    );
    const planOf = (cluster: Cluster) => plans.find((plan) => plan.cluster === cluster)!;
    const followers = (cluster: Cluster): readonly string[] =>
      cluster.members.filter(({ name }) => name !== planOf(cluster).leader).map(({ client }) => client);
    const moved = await Promise.all(
      clusters.map(async (cluster) => {
        const { targetId } = planOf(cluster);
        const refused = await etcdctl(followers(cluster), ['move-leader', targetId]);
        const anyFollower = { ...refused, stderr: refused.stderr.replaceAll(/127[\d.]+:\d+/g, 'CLIENT') };
        const done = await etcdctl(endpointsOf(cluster), ['move-leader', targetId]);
        return { refused: plain(cluster, anyFollower), done: plain(cluster, done) };
      }),
    );
    expect(moved[1]).toEqual(moved[0]);
    for (const { cluster, target } of plans) expect(await leaderOf(cluster)).toBe(target);
    await same(['move-leader', 'ffffffffff']);
  });

  it('snapshot: saved, looked at, and started by etcd', async () => {
    for (let at = 0; at < 5; at += 1) await same(['put', `snap${at}`, 'x'.repeat(100)]);
    await same(
      (cluster) => ['snapshot', 'save', join(cluster.directory, 'db')],
      (cluster) => [cluster.members[0]!.client],
    );
    const shown = await Promise.all(
      clusters.map((cluster) =>
        etcdctl([], ['snapshot', 'status', join(cluster.directory, 'db'), '-w', 'json']),
      ),
    );
    const [theirs, ours] = shown.map(
      ({ stdout }) => JSON.parse(stdout) as { revision: number; totalKey: number },
    );
    expect(ours).toMatchObject({ revision: theirs!.revision });
    // etcd writes its own member and cluster versions beside the keys.
    expect(ours!.totalKey).toBeGreaterThanOrEqual(6);
    await same((cluster) => [
      'snapshot',
      'restore',
      join(cluster.directory, 'db'),
      '--data-dir',
      join(cluster.directory, 'restored'),
    ]);
  });

  it('lock: held, waited for, and handed over', async () => {
    const seen = await Promise.all(
      clusters.map(async (cluster) => {
        const first = runEtcdctl(endpointsOf(cluster), ['lock', 'l']);
        await first.until(/^l\/[0-9a-f]+\n/);
        const second = runEtcdctl(endpointsOf(cluster), ['lock', 'l']);
        const held = await etcdctl(endpointsOf(cluster), ['lock', 'other', 'echo', 'inside']);
        const before = second.output();
        const firstCode = await first.interrupt();
        await second.until(/^l\/[0-9a-f]+\n/);
        return { before, firstCode, secondCode: await second.interrupt(), held: plain(cluster, held) };
      }),
    );
    expect(seen[1]).toEqual(seen[0]);
  });

  it('elect: one leads, others wait, all see it', async () => {
    const shape = (running: Running): string =>
      running
        .output()
        .replaceAll(/e\/[0-9a-f]+/g, 'e/ID')
        .replaceAll(/^\{"level":"warn".*\n/gm, '');
    const seen = await Promise.all(
      clusters.map(async (cluster) => {
        const first = runEtcdctl(endpointsOf(cluster), ['elect', 'e', 'p1']);
        await first.until(/p1\n/);
        const listener = runEtcdctl(endpointsOf(cluster), ['elect', '--listen', 'e']);
        await listener.until(/p1\n/);
        const second = runEtcdctl(endpointsOf(cluster), ['elect', 'e', 'p2']);
        const firstCode = await first.interrupt();
        await second.until(/p2\n/);
        await listener.until(/p2\n/);
        await second.interrupt();
        await listener.interrupt();
        return { first: shape(first), listener: shape(listener), second: shape(second), firstCode };
      }),
    );
    expect(seen[1]).toEqual(seen[0]);
  });

  it('make-mirror: into another cluster', async () => {
    // Each copies into the other one, beside what is there.
    const [theirs, ours] = clusters;
    await same(['put', 'mirror/a', '1']);
    await same(['put', 'mirror/b', '2']);
    const run = (from: Cluster, to: Cluster, prefix: string): Running =>
      runEtcdctl(
        [from.members[0]!.client],
        ['make-mirror', to.members[1]!.client, '--prefix', 'mirror/', '--dest-prefix', prefix],
      );
    const mirrors = [run(theirs!, ours!, 'from-etcd/'), run(ours!, theirs!, 'from-us/')];
    try {
      const arrives = async (to: Cluster, key: string, value: string): Promise<void> => {
        await expect
          .poll(async () => (await etcdctl(endpointsOf(to), ['get', key, '--print-value-only'])).stdout, {
            timeout: 20_000,
          })
          .toBe(`${value}\n`);
      };
      await arrives(ours!, 'from-etcd/b', '2');
      await arrives(theirs!, 'from-us/b', '2');
      await same(['put', 'mirror/b', '3']);
      await arrives(ours!, 'from-etcd/b', '3');
      await arrives(theirs!, 'from-us/b', '3');
    } finally {
      await Promise.all(mirrors.map((mirror) => mirror.interrupt()));
    }
    await same(['del', '--prefix', 'from-']);
  });

  it('alarm: listed and disarmed', async () => {
    await same(['alarm', 'list']);
    const [, ours] = await same(['alarm', 'disarm']);
    expect(ours!.stdout).toBe('');
  });

  it('user, role and auth', { timeout: 120_000 }, async () => {
    const root = ['--user', 'root:secret'];
    await same(['auth', 'enable']);
    await same(['user', 'add', 'root:secret']);
    await same(['user', 'add', 'root:secret']);
    await same(['auth', 'enable']);
    await same(['user', 'grant-role', 'root', 'root']);
    await same(['role', 'add', 'readers']);
    await same(['role', 'grant-permission', 'readers', 'read', 'pub/', '--prefix']);
    await same(['role', 'grant-permission', 'readers', 'readwrite', 'own']);
    await same(['role', 'get', 'readers']);
    await same(['role', 'get', 'readers', '-w', 'json']);
    await same(['user', 'add', 'ann:pw']);
    await same(['user', 'grant-role', 'ann', 'readers']);
    await same(['user', 'grant-role', 'ann', 'writers']);
    await same(['user', 'get', 'ann', '--detail']);
    await same(['auth', 'enable']);
    try {
      await same(['get', 'k']);
      await same([...root, 'put', 'pub/a', '1']);
      const ann = ['--user', 'ann:pw'];
      await same([...ann, 'get', '--prefix', 'pub/']);
      await same([...ann, 'put', 'pub/a', '2']);
      await same([...ann, 'put', 'own', '2']);
      await same([...ann, 'get', '--from-key', 'own']);
      await same([...ann, 'del', 'own']);
      await same([...ann, 'user', 'list']);
      await same([...ann, 'member', 'list', '-w', 'simple']);
      await same(['--user', 'ann:wrong', 'get', 'own']);
      await same(['--user', 'nobody:x', 'get', 'own']);
      await same([...root, 'user', 'delete', 'root']);
      await same([...root, 'role', 'revoke-permission', 'readers', 'own']);
      await same([...ann, 'get', 'own']);
      await same([...root, 'user', 'revoke-role', 'ann', 'readers']);
      await same([...root, 'role', 'delete', 'readers']);
      await same([...root, 'user', 'delete', 'ann']);
      await same([...root, 'user', 'list']);
      await same([...root, 'role', 'list']);
    } finally {
      await same([...root, 'auth', 'disable']);
    }
    await same(['user', 'delete', 'root']);
    const [, ours] = await same(['get', 'pub/a']);
    expect(ours!.stdout).toBe('pub/a\n1\n');
  });

  it('member: added as a learner, promoted, updated and removed', { timeout: 120_000 }, async () => {
    await same(['member', 'list']);
    const peerUrls = new Map<Cluster, string>();
    for (const cluster of clusters) peerUrls.set(cluster, `http://127.0.0.1:${await freePort()}`);
    await same((cluster) => ['member', 'add', 'm4', '--learner', '--peer-urls', peerUrls.get(cluster)!]);
    for (const cluster of clusters) expect((await idsByName(cluster)).size).toBe(4);
    await same((cluster) => ['member', 'add', 'm5', '--peer-urls', cluster.members[0]!.peerUrl]);
    const idOf = async (cluster: Cluster, name: string): Promise<string> =>
      (await idsByName(cluster)).get(name) ?? '';
    await same(async (cluster) => ['member', 'promote', await idOf(cluster, '')]);
    await Promise.all(clusters.map((cluster) => cluster.startAdded('m4', peerUrls.get(cluster)!)));
    const m4 = (cluster: Cluster): readonly string[] => [cluster.members[3]!.client];
    // The client tries again a hundred times before it believes it.
    await same(['get', 'k', '--command-timeout=20s'], m4);
    for (const cluster of clusters)
      await expect
        .poll(() => etcdctl(m4(cluster), ['get', 'k', '--consistency=s']), {
          timeout: 20_000,
        })
        .toMatchObject({ stdout: 'k\nv\n' });
    await same(['get', 'k', '--consistency=s'], m4);
    const promoted = async (cluster: Cluster): Promise<Outcome> => {
      const id = await idOf(cluster, 'm4');
      const deadline = Date.now() + 20_000;
      for (;;) {
        const outcome = plain(
          cluster,
          await etcdctl(endpointsOf(cluster).slice(0, 3), ['member', 'promote', id]),
        );
        // A learner that has just come may still be behind.
        if (outcome.exitCode === 0 || Date.now() > deadline) return outcome;
        expect(outcome.stderr).toContain('in sync with leader');
      }
    };
    const [theirs, ours] = await Promise.all(clusters.map((cluster) => promoted(cluster)));
    expect(ours).toEqual(theirs);
    await same(['get', 'k'], m4);
    await same(['member', 'list']);
    await same(async (cluster) => ['member', 'promote', await idOf(cluster, 'm4')]);
    await same(async (cluster) => [
      'member',
      'update',
      await idOf(cluster, 'm4'),
      '--peer-urls',
      cluster.members[0]!.peerUrl,
    ]);
    await same(
      async (cluster) => ['member', 'remove', await idOf(cluster, 'm4')],
      (cluster) => endpointsOf(cluster).slice(0, 3),
    );
    await same(['member', 'remove', 'abcdef0123'], (cluster) => endpointsOf(cluster).slice(0, 3));
    await same(['member', 'list'], (cluster) => endpointsOf(cluster).slice(0, 3));
    await same(['put', 'after', 'x'], (cluster) => endpointsOf(cluster).slice(0, 3));
  });
});
