import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, parsed } from '../../../test/support/mutated.js';
import { compactionRow, leaseRow, versionRow } from '../src/rows.js';
import {
  decodeCommand,
  encodeCommand,
  MalformedError,
  mvccLimits,
  readRow,
  revision,
  UnknownCommandError,
  type Row,
} from '../src/index.js';
import { command } from './commands.js';

const declared = [MalformedError, UnknownCommandError];

describe('a command that was tampered with', () => {
  it('is read or refused, and means one thing: what is read says the same when it is written again', () => {
    fc.assert(
      fc.property(mutated(command.map(encodeCommand)), (bytes) => {
        const read = parsed(bytes, decodeCommand, declared);
        expect(read && decodeCommand(encodeCommand(read))).toEqual(read);
      }),
      { numRuns: 4_000 },
    );
  });

  it('costs no more than its bytes, whatever its lists claim', () => {
    const claims = fc.tuple(fc.constantFrom(0xff, 0x80, 0xfe), fc.nat(6), fc.uint8Array({ maxLength: 60 }));
    fc.assert(
      fc.property(claims, ([byte, length, rest]) => {
        const bytes = Buffer.concat([Buffer.of(1, 2), Buffer.alloc(length, byte), Buffer.of(1), rest]);
        expect(() => parsed(bytes, decodeCommand, declared)).not.toThrow();
      }),
      { numRuns: 1_000 },
    );
  });
});

const number = fc.integer({ min: 1, max: mvccLimits.numberMax });
const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const row: fc.Arbitrary<Row> = fc.oneof(
  fc.record({ id: lease, ttlSeconds: number }).map(leaseRow),
  fc
    .tuple(number, number, fc.nat(), fc.boolean())
    .map(([at, to, sub, pending]) => compactionRow(revision(at), { revision: revision(to), sub }, pending)),
  fc
    .record({
      key: text,
      createRevision: number.map(revision),
      modRevision: number.map(revision),
      sub: fc.nat(2 ** 32 - 1),
      version: fc.nat(),
      value: text,
      lease,
    })
    .map(versionRow),
);

/** In writing order: length of the key, key, value. */
const joined = ({ key, value }: Row): Uint8Array => Buffer.concat([Buffer.of(key.length), key, value!]);

function readJoined(bytes: Buffer): { read: ReturnType<typeof readRow>; key: Buffer } {
  const end = 1 + Math.min(bytes[0] ?? 0, Math.max(0, bytes.length - 1));
  const key = bytes.subarray(1, end);
  return { read: readRow(key, bytes.subarray(end)), key: Buffer.from(key) };
}

function written(read: ReturnType<typeof readRow>): Row {
  switch (read.kind) {
    case 'lease':
      return leaseRow(read);
    case 'compaction':
      return compactionRow(read.compactRevision, read.cursor, read.pending);
    case 'version':
      return versionRow(read.kv);
  }
}

describe('a row of the store', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(row, ({ key, value }) => {
        const again = written(readRow(key, value!));
        expect(Buffer.compare(again.key, key)).toBe(0);
        expect(Buffer.compare(again.value!, value!)).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that was tampered with is read or refused, and what is read belongs to its key', () => {
    fc.assert(
      fc.property(mutated(row.map(joined)), (bytes) => {
        const found = parsed(bytes, readJoined, declared);
        expect(found && Buffer.from(written(found.read).key)).toEqual(found?.key);
      }),
      { numRuns: 4_000 },
    );
  });
});
