import fc from 'fast-check';
import { revision, type RangeResult } from '@raftsman/mvcc';
import { serviceDefinition } from '@raftsman/wire';
import { describe, expect, it } from 'vitest';
import { encodeRangeResponse } from '../../src/etcd/range-response.js';
import { wireRange } from '../../src/etcd/to-wire.js';

const { responseSerialize, responseDeserialize } = serviceDefinition('etcd/rpc.proto', 'etcdserverpb.KV')[
  'Range'
]!;

const whole = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 52), fc.maxSafeNat());
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const result: fc.Arbitrary<RangeResult> = fc.record({
  kind: fc.constant('range' as const),
  revision: whole.map(revision),
  kvs: fc.array(
    fc.record({
      key: binary,
      createRevision: whole.map(revision),
      modRevision: whole.map(revision),
      sub: fc.constant(0),
      version: fc.integer({ min: 1, max: 2 ** 40 }),
      value: binary,
      lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    { maxLength: 8 },
  ),
  keysOnly: fc.boolean(),
  more: fc.boolean(),
  count: whole,
});

describe('a range response written by hand', () => {
  it('says what the generic encoder says', async () => {
    await fc.assert(
      fc.asyncProperty(result, whole, whole, whole, async (each, clusterId, memberId, raftTerm) => {
        const header = { clusterId, memberId, raftTerm };
        const { bytes } = await encodeRangeResponse(header, each);
        const generic = responseSerialize({
          header: { ...header, revision: each.revision },
          ...wireRange(each),
        });
        expect(responseDeserialize(bytes)).toEqual(responseDeserialize(generic));
      }),
      { numRuns: 500 },
    );
  });

  it('lets others run while it is large', async () => {
    const kv = {
      key: 'k'.repeat(50),
      createRevision: revision(2),
      modRevision: revision(2),
      sub: 0,
      version: 1,
      value: 'v'.repeat(2_000),
      lease: 0n,
    };
    const kvs = Array.from({ length: 10_000 }, () => kv);
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    const encoding = encodeRangeResponse(
      { clusterId: 1, memberId: 1, raftTerm: 1 },
      { kind: 'range', revision: revision(2), kvs, keysOnly: false, more: false, count: 10_000 },
    );
    const { bytes } = await encoding;
    clearInterval(others);
    expect(bytes.length).toBeGreaterThan(20_000_000);
    expect(turns).toBeGreaterThan(3);
  });
});
