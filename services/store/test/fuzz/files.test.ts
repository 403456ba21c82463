import { mvccLimits, revision } from '@raftsman/mvcc';
import { loadTypes } from '@raftsman/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, parsed } from '../../../../test/support/mutated.js';
import { encodeJson } from '../../src/http/from-json.js';
import { JsonError, JsonValues } from '../../src/http/json-values.js';
import { writeJson } from '../../src/http/to-json.js';
import type { BoltItem } from '../../src/snapshot/bolt/builder.js';
import { SnapshotFileError } from '../../src/snapshot/errors.js';
import { readFields } from '../../src/snapshot/protobuf.js';
import { leaseItem, readLease, readVersion, versionItem } from '../../src/snapshot/records.js';

const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('records of a snapshot file', () => {
  const version = fc.record({
    key: text.filter((key) => key !== ''),
    createRevision: fc.integer({ min: 1, max: 1_000 }).map(revision),
    modRevision: fc.integer({ min: 1_000, max: 2 ** 40 }).map(revision),
    sub: fc.nat(2 ** 31),
    version: fc.integer({ min: 1, max: 99 }),
    value: text,
    lease,
  });
  const joined = ({ key, value }: BoltItem): Buffer => Buffer.concat([Buffer.of(key.length), key, value]);
  const cut = (bytes: Buffer): BoltItem => {
    const end = Math.min(bytes.length, 1 + (bytes[0] ?? 0));
    return { key: bytes.subarray(1, end), value: bytes.subarray(end) };
  };

  it('of versions are read as they were written, or refused', () => {
    fc.assert(
      fc.property(version, (kv) => {
        expect(readVersion(versionItem(kv))).toEqual(kv);
      }),
    );
    fc.assert(
      fc.property(mutated(version.map(versionItem).map(joined)), (bytes) => {
        const read = parsed(bytes, (each) => readVersion(cut(each)), [SnapshotFileError]);
        const numbers = read && [read.createRevision, read.modRevision, read.version, read.sub];
        expect(numbers?.every((each) => each >= 0 && each <= mvccLimits.numberMax) ?? true).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('of leases are read as they were written, or refused', () => {
    const record = fc.record({
      id: lease.filter((id) => id !== 0n),
      ttlSeconds: fc.integer({ min: 1, max: 2 ** 31 }),
    });
    fc.assert(
      fc.property(record, (each) => {
        expect(readLease(leaseItem(each))).toEqual(each);
      }),
    );
    fc.assert(
      fc.property(mutated(record.map(leaseItem).map(joined)), (bytes) => {
        const read = parsed(bytes, (each) => readLease(cut(each)), [SnapshotFileError]);
        expect(read === undefined || (read.ttlSeconds >= 1 && read.id !== 0n)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('have fields that lie within them', () => {
    fc.assert(
      fc.property(mutated(version.map((kv) => versionItem(kv).value)), (bytes) => {
        const fields = parsed(bytes, (each) => [...readFields(each)], [SnapshotFileError]) ?? [];
        expect(fields.reduce((sum, field) => sum + field.bytes.length, 0)).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('JSON of requests', () => {
  const root = loadTypes('etcd/rpc.proto');
  const types = ['RangeRequest', 'PutRequest', 'TxnRequest', 'WatchRequest', 'LeaseGrantRequest'].map(
    (name) => root.lookupType(`etcdserverpb.${name}`),
  );
  const scalar = fc.oneof(
    fc.constantFrom('', 'YQ==', 'DESCEND', '-1', '9223372036854775807', '99999999999999999999', '__proto__'),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const names = [...new Set(types.flatMap((type) => type.fieldsArray.map(({ name }) => name)))];
  const object = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, tie('message'), fc.array(tie('value'), { maxLength: 3 })),
    message: fc.dictionary(
      fc.constantFrom(...names, 'request_put', 'request_txn', 'constructor', '__proto__', 'x'),
      tie('value'),
      { maxKeys: 5 },
    ),
  })).message;

  it('become a message or an error, and the message is one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), object, (type, json) => {
        const bytes = parsed(
          Buffer.from(JSON.stringify(json)),
          (given) => encodeJson(type, JSON.parse(given.toString())),
          [JsonError],
        );
        expect(() => bytes && type.decode(bytes)).not.toThrow();
      }),
      { numRuns: 1_000 },
    );
  });

  it('that was tampered with is values or an error, in any pieces, and never more than was sent', () => {
    const request = object.map((json) => Buffer.from(JSON.stringify(json)));
    const take = (bytes: Buffer, step: number): readonly unknown[] => {
      const values = new JsonValues(10_000);
      const found: unknown[] = [];
      const given = bytes.toString('latin1');
      for (let at = 0; at < given.length; at += step) found.push(...values.push(given.slice(at, at + step)));
      values.finish();
      return found;
    };
    fc.assert(
      fc.property(mutated(request), fc.integer({ min: 1, max: 20 }), (bytes, step) => {
        const whole = parsed(bytes, (each) => take(each, each.length || 1), [JsonError]);
        expect(parsed(bytes, (each) => take(each, step), [JsonError])).toEqual(whole);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is made of any message', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        mutated(fc.constant(Buffer.from('0a016112017a18052001', 'hex'))),
        (type, bytes) => {
          let decodes = true;
          try {
            type.decode(bytes);
          } catch {
            decodes = false; // No message of ours: responses are made here.
          }
          const written = (): unknown => JSON.parse([...writeJson(type, bytes)].join(''));
          expect(decodes ? typeof written() : 'object').toBe('object');
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
