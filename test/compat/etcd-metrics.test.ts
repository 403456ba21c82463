import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFollower } from './etcd-ours.js';
import { missing, startEtcd, type Peer } from './etcd-peer.js';
import { Session } from './etcd-session.js';

const reason = missing();
if (reason !== undefined) console.warn(reason);

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const nameShape = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleShape = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelShape = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/y;
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** Prometheus' exposition format 0.0.4, by its letter: everything else throws. */
function parseMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  let help: readonly [string, string] | undefined;
  let current: readonly [string, Family] | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (line === '') continue;
    if (kind === 'HELP') help = [name, rest];
    else if (kind === 'TYPE') {
      if (families.has(name) || help?.[0] !== name) throw new Error(`out of order: ${line}`);
      if (!nameShape.test(name) || suffixes[rest] === undefined) throw new Error(`malformed: ${line}`);
      current = [name, { type: rest, help: help[1], samples: [] }];
      families.set(...current);
    } else {
      if (seen.has(line.slice(0, line.lastIndexOf(' ')))) throw new Error(`twice: ${line}`);
      seen.add(line.slice(0, line.lastIndexOf(' ')));
      const sample = parseSample(line);
      if (current === undefined) throw new Error(`no family: ${line}`);
      const [family, { type, samples }] = current;
      if (!suffixes[type]!.some((suffix) => sample.name === family + suffix))
        throw new Error(`${line} is none of ${family}, a ${type}`);
      samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', number] = sampleShape.exec(line) ?? [];
  if (name === undefined) throw new Error(`malformed: ${line}`);
  const labels: Record<string, string> = {};
  labelShape.lastIndex = 0;
  while (labelShape.lastIndex < labelText.length) {
    const found = labelShape.exec(labelText);
    if (found === null || found[1]! in labels) throw new Error(`malformed labels: ${line}`);
    labels[found[1]!] = found[2]!;
  }
  const value = number === '+Inf' ? Infinity : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

/** Cumulative, up to +Inf, which is the count. */
function checkHistogram({ samples }: Family): void {
  const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
  const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
  expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
  expect(bounds.at(-1)).toBe(Infinity);
  const counts = buckets.map(({ value }) => value);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(samples.find(({ name }) => name.endsWith('_count'))?.value).toBe(counts.at(-1));
}

async function scrape({ address }: Peer): Promise<ReadonlyMap<string, Family>> {
  const answer = await fetch(`http://${address}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return parseMetrics(await answer.text());
}

describe.skipIf(reason !== undefined)(`metrics ${reason ?? ''}`, () => {
  let etcd: Peer | undefined;
  let ours: Peer | undefined;

  beforeAll(async () => {
    [etcd, ours] = await Promise.all([startEtcd(), startFollower()]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([etcd?.close(), ours?.close()]);
  });

  const value = (families: ReadonlyMap<string, Family>, name: string, labels: object = {}): number => {
    const samples = families.get(name)?.samples ?? [];
    const wanted = Object.entries(labels) as [string, string][];
    return samples.find((sample) => wanted.every(([key, text]) => sample.labels[key] === text))?.value ?? -1;
  };

  it('are those of etcd by name, type and labels', async () => {
    const [theirs, mine] = [await scrape(etcd!), await scrape(ours!)];
    for (const family of mine.values()) if (family.type === 'histogram') checkHistogram(family);
    // A member alone has no peers to count for: etcd-etcdctl-cluster.test.ts.
    const own = /^(nodejs_|etcd_network_(?!client_))/;
    const shared = [...mine.keys()].filter((name) => !own.test(name));
    expect(shared.length).toBeGreaterThan(40);
    const unlike: string[] = [];
    for (const name of shared) {
      expect([name, theirs.get(name)?.type]).toEqual([name, mine.get(name)!.type]);
      const labels = [theirs, mine].map((families) => families.get(name)!.samples[0]?.labels);
      // What nothing has been counted for yet has no labels to show.
      if (labels.includes(undefined)) continue;
      const [wanted, shown] = labels.map((each) => Object.keys(each!).toSorted());
      if (shown!.join() !== wanted!.join()) unlike.push(`${name}: ${shown!.join()} for ${wanted!.join()}`);
    }
    expect(unlike).toEqual([]);
  });

  it('say what happened, as etcd says it', async () => {
    const key = Buffer.from('metric');
    const before = await Promise.all([scrape(etcd!), scrape(ours!)]);
    for (const { address } of [etcd!, ours!]) {
      const session = new Session(address);
      const watch = session.watch(new Metadata());
      watch.create({ key });
      await watch.responses(1);
      for (let at = 0; at < 3; at += 1) await session.put('metric', 'v');
      await session.txn({ success: [{ requestPut: { key } }, { requestRange: { key } }] });
      await session.range({ key });
      await session.range({ key: Buffer.alloc(0) });
      await session.remove('metric');
      await watch.events(5);
      const open = await scrape({ address, close: async () => Promise.resolve() });
      expect(value(open, 'etcd_debugging_mvcc_watcher_total')).toBe(1);
      expect(value(open, 'etcd_debugging_mvcc_watch_stream_total')).toBe(1);
      watch.close();
      session.close();
    }
    const after = await Promise.all([scrape(etcd!), scrape(ours!)]);
    const grown = (name: string, labels: object = {}): readonly number[] =>
      after.map(
        (families, at) => value(families, name, labels) - Math.max(0, value(before[at]!, name, labels)),
      );
    expect(grown('etcd_mvcc_put_total')).toEqual([4, 4]);
    expect(grown('etcd_mvcc_delete_total')).toEqual([1, 1]);
    expect(grown('etcd_mvcc_txn_total')).toEqual([1, 1]);
    expect(grown('etcd_debugging_mvcc_events_total')).toEqual([5, 5]);
    const kv = { grpc_service: 'etcdserverpb.KV' };
    expect(grown('grpc_server_started_total', { ...kv, grpc_method: 'Put' })).toEqual([3, 3]);
    const range = { ...kv, grpc_method: 'Range' };
    expect(grown('grpc_server_handled_total', { ...range, grpc_code: 'OK' })).toEqual([1, 1]);
    expect(grown('grpc_server_handled_total', { ...range, grpc_code: 'InvalidArgument' })).toEqual([1, 1]);
    for (const kind of ['received', 'sent']) {
      const put = { ...kv, grpc_method: 'Put' };
      expect(grown(`grpc_server_msg_${kind}_total`, put)).toEqual([3, 3]);
      // Of two, of which one was refused.
      expect(grown(`grpc_server_msg_${kind}_total`, range)).toEqual(kind === 'sent' ? [1, 1] : [2, 2]);
    }
    const [theirBytes, ourBytes] = grown('etcd_network_client_grpc_received_bytes_total');
    expect(ourBytes).toBe(theirBytes);
    const [sentByThem, sentByUs] = grown('etcd_network_client_grpc_sent_bytes_total');
    // Ids are shorter here, and some zeros are written out.
    expect(Math.abs(sentByUs! / sentByThem! - 1)).toBeLessThan(0.2);
    for (const families of after) {
      expect(value(families, 'etcd_server_has_leader')).toBe(1);
      expect(value(families, 'etcd_server_leader_changes_seen_total')).toBeGreaterThanOrEqual(1);
      expect(value(families, 'etcd_server_proposals_applied_total')).toBeGreaterThan(5);
      expect(value(families, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
      expect(value(families, 'process_open_fds')).toBeGreaterThan(5);
    }
    expect(value(after[1]!, 'etcd_disk_wal_write_bytes_total')).toBeGreaterThan(0);
    const [fsync] = after.map((families) => families.get('etcd_disk_wal_fsync_duration_seconds')!).slice(1);
    expect(fsync!.samples.at(-1)!.value).toBeGreaterThan(5);
  });
});

describe('the parser', () => {
  const head = '# HELP a b\n# TYPE a gauge\n';
  it.each([
    'a 1\n',
    `${head}b 1\n`,
    `${head}a 1`,
    `${head}a x\n`,
    `${head}a{b=1} 1\n`,
    `${head}a{b="1",b="2"} 1\n`,
    `${head}a 1\na 2\n`,
    `${head}${head}`,
    '# TYPE a gauge\n',
    '# HELP a b\n# TYPE a number\n',
  ])('refuses %j', (text) =>
    expect(() => parseMetrics(text)).toThrow(
      /malformed|out of order|none of|no family|no number|twice|does not end/,
    ),
  );
  it('reads', () => expect(parseMetrics(`${head}a{b="x\\"y"} 1\n`).get('a')?.samples).toHaveLength(1));
});
