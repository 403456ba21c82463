import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from './clusters.js';
import { etcdctl, runEtcdctl, type Outcome } from './etcdctl.js';
import { etcdctlBinary, missing } from './etcd-peer.js';

const reason = missing(etcdctlBinary);
if (reason !== undefined) console.warn(reason);

/** Takes out what no two runs share: the progress that is drawn, addresses, revisions and figures. */
function plain({ exitCode, stdout, stderr }: Outcome, address: string): Outcome {
  const clean = (text: string): string =>
    text
      .replaceAll(/\r? *\d+ \/ \d+ +\d+\.\d+%(?: *[\dms]+(?=[\r\n ]|$))?\n?/g, '')
      .replaceAll(address, 'ADDRESS')
      .replaceAll(/\d+\.\d+/g, 'N')
      .replaceAll(/(?<=revision |Throughput is |too low: )\d+/g, 'N');
  return { exitCode, stdout: clean(stdout), stderr: clean(stderr) };
}

const perfPrefix = '/etcdctl-check-perf/';
const scalePrefix = '/etcdctl-check-datascale/';

describe.skipIf(reason !== undefined)(`etcdctl check against etcd and against us ${reason ?? ''}`, () => {
  let clusters: readonly Cluster[] = [];
  let addresses: readonly string[] = [];

  beforeAll(async () => {
    clusters = await Promise.all([startCluster('etcd', 1), startCluster('raftsman', 1)]);
    addresses = clusters.map(({ members }) => members[0]!.client);
  });

  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.close()));
  });

  const run = (address: string, args: readonly string[], timeoutMs?: number): Promise<Outcome> =>
    etcdctl([address], args, '', timeoutMs).then((outcome) => plain(outcome, address));

  async function same(args: readonly string[]): Promise<Outcome> {
    const [theirs, ours] = await Promise.all(addresses.map((address) => run(address, args)));
    expect({ args, ...ours! }).toEqual({ args, ...theirs! });
    return ours!;
  }

  it.each([['perf'], ['datascale']])('%s: what it takes, and what it refuses', async (what) => {
    expect((await same(['check', what, '--help'])).stdout).toContain('--load');
    expect((await same(['check', what, '--load=x'])).exitCode).not.toBe(0);
    expect((await same(['check', what, '--no-such-flag'])).exitCode).not.toBe(0);
  });

  it('datascale: holds ten thousand keys, says what memory that took, and leaves nothing behind', async () => {
    const done = await same(['check', 'datascale', '--load=s', '--auto-compact', '--auto-defrag']);
    expect(done).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^Start data scale check .* 1024 bytes .*\nPASS: Approximate system memory used : N MB\.\n$/s,
      ),
    });
    expect((await same(['get', '--prefix', scalePrefix, '--keys-only', '--limit=3'])).stdout).toBe('');
    await same(['put', `${scalePrefix}own`, 'x']);
    expect((await same(['check', 'datascale'])).exitCode).not.toBe(0);
    await same(['del', '--prefix', scalePrefix]);
  });

  it('perf: is interrupted, and begins only where there are no keys', async () => {
    const codes = await Promise.all(
      addresses.map(async (address) => {
        const running = runEtcdctl([address], ['check', 'perf']);
        await running.until(/ 2 \/ 60/);
        return running.interrupt();
      }),
    );
    expect(codes[1]).toBe(codes[0]);
    for (const address of addresses)
      expect(
        (await run(address, ['get', '--prefix', perfPrefix, '--keys-only', '--limit=1'])).stdout,
      ).toContain(perfPrefix);
    const refused = await same(['check', 'perf']);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain('has keys');
    // As many keys as were written until then.
    await Promise.all(addresses.map((address) => run(address, ['del', '--prefix', perfPrefix])));
  });

  it.runIf(process.env['CHECK_PERF'] !== undefined)(
    'perf: a minute of load, with a verdict on each figure and one on all',
    { timeout: 180_000 },
    async () => {
      const outcomes = await Promise.all(
        addresses.map((address) => run(address, ['check', 'perf', '--load=s', '--auto-compact'], 120_000)),
      );
      for (const { exitCode, stdout, stderr } of outcomes) {
        // Whether it is fast enough depends on what else this machine does.
        expect(stdout + stderr).toMatch(
          /^Compacting with revision N\nCompacted with revision N\n(?:PASS: Throughput is|FAIL: Throughput too low:) N writes\/s\n(?:PASS: Slowest request took|Slowest request took too long:) Ns\n(?:PASS: Stddev is|Stddev too high:) Ns\n(?:PASS|FAIL)\n$/,
        );
        expect(exitCode === 0).toBe(stdout.endsWith('\nPASS\n'));
      }
      for (const address of addresses)
        expect((await run(address, ['get', '--prefix', perfPrefix, '--keys-only', '--limit=1'])).stdout).toBe(
          '',
        );
    },
  );
});
