import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';
import { etcdctl as etcdctlAt, runEtcdctl, type Outcome } from './etcdctl.js';
import { etcdctlBinary, missing, startEtcd, type Peer } from './etcd-peer.js';

const etcdctl = (address: string, args: readonly string[], input?: string): Promise<Outcome> =>
  etcdctlAt([address], args, input);

const reason = missing(etcdctlBinary);
if (reason !== undefined) console.warn(reason);

/** Takes out what must differ: address, ids, version, sizes, log positions and the client's own log lines. */
function plain({ exitCode, stdout, stderr }: Outcome, address: string): Outcome {
  const clean = (text: string): string =>
    text
      .replaceAll(address, 'ADDRESS')
      .replaceAll(
        /"(cluster_id|member_id|leader|raftTerm|raft_term|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse|ID)":\d+/g,
        '"$1":0',
      )
      .replaceAll(/"version":"3[\d.]+"/g, '"version":"3"')
      .replaceAll(/took = [\d.]+[µm]?s/g, 'took')
      .replaceAll(/^\{"level":"warn".*\n/gm, '');
  return { exitCode, stdout: clean(stdout), stderr: clean(stderr) };
}

describe.skipIf(reason !== undefined)(`etcdctl against etcd and against us ${reason ?? ''}`, () => {
  let etcd: Peer;
  let ours: Serving;
  let addresses: readonly [string, string];

  beforeAll(async () => {
    etcd = await startEtcd();
    ours = await serveSingleMember();
    addresses = [etcd.address, `127.0.0.1:${ours.port}`];
  });

  afterAll(async () => {
    await etcd?.close();
    await ours?.close();
  });

  async function same(args: readonly string[], input?: string): Promise<Outcome> {
    const [theirs, mine] = await Promise.all(
      addresses.map(async (address) => plain(await etcdctl(address, args, input), address)),
    );
    expect({ args, ...mine! }).toEqual({ args, ...theirs! });
    return mine!;
  }

  it('puts, gets and deletes', async () => {
    await same(['put', 'foo', 'bar']);
    await same(['put', 'foo', 'baz', '--prev-kv']);
    await same(['put', 'foo1', 'x']);
    await same(['put', 'foo2', '--', '-dash']);
    await same(['put', 'foo', '--ignore-value', '--prev-kv']);
    expect((await same(['get', 'foo'])).stdout).toBe('foo\nbaz\n');
    await same(['get', 'foo', 'foo2']);
    await same(['get', '--prefix', 'foo', '--limit', '2']);
    await same(['get', '--prefix', 'foo', '--order=DESCEND', '--sort-by=VALUE', '--keys-only']);
    await same(['get', '--prefix', '']);
    await same(['get', '--from-key', 'foo1', '--print-value-only']);
    await same(['get', 'foo', '--rev=2', '-w', 'json']);
    await same(['get', '--prefix', 'foo', '-w', 'fields', '--count-only']);
    await same(['get', 'foo', '--rev=100']);
    await same(['del', 'foo1', '--prev-kv']);
    await same(['del', '--prefix', 'foo', '-w', 'json']);
    await same(['del', 'foo']);
    await same(['put', '', 'x']);
  });

  it('runs transactions', async () => {
    const txn = 'mod("t") = "0"\n\nput t created\nget t\n\nget t\ndel t\n\n';
    expect((await same(['txn'], txn)).stdout).toContain('SUCCESS');
    await same(['txn', '-w', 'json'], txn);
    await same(['txn'], 'value("t") > "a"\n\nput t x\nput t y\n\n\n');
  });

  it('compacts', async () => {
    for (const value of ['1', '2', '3']) await same(['put', 'c', value]);
    const { stdout } = await same(['get', 'c', '-w', 'json']);
    const { revision } = (JSON.parse(stdout) as { header: { revision: number } }).header;
    await same(['compact', String(revision - 1), '--physical']);
    await same(['compact', String(revision - 1)]);
    await same(['get', 'c', `--rev=${revision - 2}`]);
    expect((await same(['watch', 'c', `--rev=${revision - 2}`])).stderr).toContain('compacted');
  });

  it('grants, lists, keeps alive and revokes leases', async () => {
    const granted = await Promise.all(addresses.map((address) => etcdctl(address, ['lease', 'grant', '60'])));
    const ids = granted.map(
      ({ stdout }) => /^lease ([0-9a-f]{16}) granted with TTL\(60s\)\n$/.exec(stdout)?.[1],
    );
    const each = async (args: (id: string) => readonly string[]): Promise<void> => {
      const outcomes = await Promise.all(
        addresses.map(async (address, at) => {
          const id = ids[at] ?? 'none';
          const outcome = plain(await etcdctl(address, args(id)), address);
          const clean = (text: string): string =>
            text.replaceAll(id, 'ID').replaceAll(/remaining\(\d+s\)/g, 'remaining(Ns)');
          return { ...outcome, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr) };
        }),
      );
      expect(outcomes[1]).toEqual(outcomes[0]);
      expect(outcomes[1]!.stdout + outcomes[1]!.stderr).not.toBe('');
    };
    await each((id) => ['put', 'leased', 'x', '--lease', id]);
    await each((id) => ['lease', 'timetolive', id, '--keys']);
    await each(() => ['lease', 'list']);
    await each((id) => ['lease', 'keep-alive', '--once', id]);
    await each((id) => ['lease', 'revoke', id]);
    await each((id) => ['lease', 'timetolive', id]);
    await each((id) => ['lease', 'revoke', id]);
    await same(['get', 'leased']);
    await same(['put', 'leased', 'x', '--lease', '7f00']);
  });

  it('tells of the cluster', async () => {
    await same(['endpoint', 'health']);
    await same(['endpoint', 'status', '-w', 'json']);
    await same(['alarm', 'list']);
    const { stdout } = await etcdctl(addresses[1], ['member', 'list']);
    const theirs = await etcdctl(addresses[0], ['member', 'list']);
    const shape = (text: string): string =>
      text.replaceAll(/[0-9a-f]{3,16}(?=, started)/g, 'ID').replaceAll(/http:\/\/[\w.]+:\d+/g, 'URL');
    expect(shape(stdout)).toBe(shape(theirs.stdout));
    expect((await etcdctl(addresses[1], ['endpoint', 'hashkv'])).exitCode).toBe(0);
    await same(['user', 'list']);
    await same(['role', 'list']);
  });

  it('watches', async () => {
    const watches = addresses.map((address) =>
      runEtcdctl([address], ['watch', '--prefix', 'w', '--prev-kv']),
    );
    try {
      // The client prints nothing when its watch is there: writes go on until each has seen one.
      for (let attempt = 0; watches.some(({ output }) => !output().includes('w-ready')); attempt += 1) {
        expect(attempt).toBeLessThan(200);
        await same(['put', 'w-ready', 'x']);
      }
      await same(['put', 'w1', 'a']);
      await same(['put', 'w1', 'b']);
      await same(['del', 'w1']);
      await same(['put', 'w-end', 'z']);
      const [theirs, mine] = await Promise.all(watches.map((watch) => watch.until(/w-end\nz\n/)));
      const afterReady = (text: string): string => text.slice(text.indexOf('PUT\n\n\nw1'));
      expect(afterReady(mine!)).toBe(afterReady(theirs!));
      expect(mine).toContain('DELETE\nw1\nb\nw1\n');
    } finally {
      for (const { child } of watches) child.kill('SIGKILL');
    }
  });
});
