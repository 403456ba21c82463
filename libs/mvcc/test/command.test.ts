import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCommand,
  encodeCommand,
  MalformedError,
  UnknownCommandError,
  type Command,
} from '../src/index.js';
import { command } from './commands.js';

describe('the command format', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(command, (each) => {
        expect(decodeCommand(encodeCommand(each))).toEqual(each);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the one that logs on disk hold', () => {
    const hex = (each: Command): string => Buffer.from(encodeCommand(each)).toString('hex');
    const put: Command = {
      kind: 'put',
      key: 'k',
      value: 'v\xff',
      lease: -2n,
      prevKv: true,
      ignoreValue: false,
      ignoreLease: true,
    };
    expect(hex(put)).toBe('01000501' + '6b' + '0276ff' + '01fffffffffffffffe');
    expect(hex({ kind: 'delete-range', key: 'a', rangeEnd: '\0', prevKv: false })).toBe(
      '010100' + '0161' + '0100',
    );
    expect(hex({ kind: 'compact', revision: 300 })).toBe('0103d804');
    expect(hex({ kind: 'compact-step' })).toBe('0104');
    expect(hex({ kind: 'lease-grant', id: 7n, ttlSeconds: 60 })).toBe('0105010000000000000007' + '78');
    expect(hex({ kind: 'lease-revoke', id: 7n })).toBe('0106010000000000000007');
    expect(hex({ kind: 'lease-expire', id: 7n, term: 9 })).toBe('010701000000000000000709');
    const compare = { result: 'LESS', target: 'MOD', key: 'k', rangeEnd: '', operand: 5 } as const;
    const range = {
      kind: 'range',
      key: 'k',
      rangeEnd: '',
      limit: 1,
      revision: 0,
      sortOrder: 'DESCEND',
      sortTarget: 'VALUE',
      keysOnly: true,
      countOnly: false,
      minModRevision: 0,
      maxModRevision: 0,
      minCreateRevision: 0,
      maxCreateRevision: -1,
    } as const;
    expect(hex({ kind: 'txn', compare: [compare], success: [range], failure: [] })).toBe(
      '0102' +
        '01' +
        '0202' +
        '016b' +
        '00' +
        '0a' +
        '01' +
        '08' +
        '010204' +
        '016b' +
        '00' +
        '020000000001' +
        '00',
    );
  });

  it('refuses whatever else it is given, without hanging', () => {
    const refused = (bytes: Uint8Array): boolean => {
      try {
        decodeCommand(bytes);
        return true;
      } catch (error) {
        return error instanceof MalformedError || error instanceof UnknownCommandError;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), refused), { numRuns: 1500 });
    fc.assert(
      fc.property(command, fc.nat(), fc.nat(255), (each, at, byte) => {
        const bytes = Uint8Array.from(encodeCommand(each));
        bytes[at % bytes.length] = byte;
        return refused(bytes) && refused(bytes.subarray(0, at % bytes.length));
      }),
      { numRuns: 1500 },
    );
    expect(() => decodeCommand(Buffer.of())).toThrow(MalformedError);
    expect(() => decodeCommand(Buffer.of(2, 0))).toThrow(UnknownCommandError);
    expect(() => decodeCommand(Buffer.of(1, 99))).toThrow(UnknownCommandError);
    expect(() => decodeCommand(Buffer.of(1, 8))).toThrow(MalformedError);
    // A list that claims 2^50 items.
    expect(() => decodeCommand(Buffer.of(1, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2))).toThrow(
      MalformedError,
    );
    // Transactions nested beyond the bound.
    const deep = Buffer.concat([Buffer.of(1, 2), Buffer.alloc(3_000).fill(Buffer.of(0, 1, 2))]);
    expect(() => decodeCommand(deep)).toThrow(/nested/);
  });
});
