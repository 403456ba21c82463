import { loadTypes } from '@raftsman/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/http/from-json.js';
import { JsonError, JsonValues } from '../../src/http/json-values.js';
import { httpLimits } from '../../src/http/limits.js';
import { writeJson } from '../../src/http/to-json.js';

const root = loadTypes('etcd/rpc.proto');
const type = (name: string) => root.lookupType(`etcdserverpb.${name}`);
const roundTrip = (name: string, json: object): unknown =>
  JSON.parse([...writeJson(type(name), encodeJson(type(name), json))].join(''));

/** Long integers come as text. */
const quoted = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && /^-?\d{16,}$/.test(JSON.stringify(value)) ? JSON.stringify(value) : value;

describe('a stream of JSON', () => {
  it('is cut into its values, wherever the pieces of text end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()))),
        fc.constantFrom('', ' ', '\n', '\r\n\t'),
        fc.integer({ min: 1, max: 9 }),
        (wanted, between, step) => {
          const text = wanted.map((value) => JSON.stringify(value) + between).join('');
          const values = new JsonValues(1_000_000);
          const found: unknown[] = [];
          for (let at = 0; at < text.length; at += step)
            found.push(...values.push(text.slice(at, at + step)));
          values.finish();
          expect(found).toEqual(JSON.parse(JSON.stringify(wanted), quoted));
        },
      ),
    );
  });

  it('keeps every digit of long integers', () => {
    const text =
      '{"a":7587869324538413825,"b":[-9223372036854775808,1234567890123456.5,1e21],"c":"1234567890123456789"}';
    const [value] = new JsonValues(1_000).push(text);
    expect(value).toEqual({
      a: '7587869324538413825',
      b: ['-9223372036854775808', 1234567890123456.5, 1e21],
      c: '1234567890123456789',
    });
  });

  it('costs what its text costs, in however many pieces a value comes', () => {
    const pieces = 4_096;
    const piece = 'x'.repeat(512);
    const cpuUs = (begin: string, each: string, end: string): number => {
      const values = new JsonValues(pieces * 1_024);
      const found: unknown[] = [];
      const before = process.cpuUsage();
      for (const text of [begin, ...Array.from({ length: pieces }, () => each), end])
        found.push(...values.push(text));
      const { user, system } = process.cpuUsage(before);
      expect(JSON.stringify(found).length).toBeGreaterThan(pieces * piece.length);
      return user + system;
    };
    const least = (begin: string, each: string, end: string): number =>
      Math.min(...Array.from({ length: 5 }, () => cpuUs(begin, each, end)));
    // Copied whole with every piece, one value would cost fifty times as much as many.
    expect(least('["', piece, '"]')).toBeLessThan(10 * least('[]', `["${piece}"]`, '[]'));
  });

  it('may have any space between its values, which is not kept, and nothing else', () => {
    const values = new JsonValues(100);
    const space = ' \t\r\n'.repeat(100);
    for (const text of [space, `[1]${space}[2]${space}`, space])
      expect(values.push(text)).toHaveLength(text.includes('1') ? 2 : 0);
    expect(values.hasBegun).toBe(false);
    expect(values.push(`${space}[${' '.repeat(90)}`)).toEqual([]);
    expect(values.hasBegun).toBe(true);
    expect(() => values.push(space)).toThrow('too large');
    for (const other of [',', ' :', '\u00a0', '\ufeff', '\v'])
      expect(() => new JsonValues(100).push(`[1]${other}[2]`)).toThrow('beginning of value');
  });

  it('is refused when it is too large, too deep, unfinished or no JSON', () => {
    const parse = (text: string) => () => {
      const values = new JsonValues(10_000);
      values.push(text);
      values.finish();
    };
    expect(parse('['.repeat(httpLimits.jsonDepthMax + 1))).toThrow('max depth');
    expect(parse(`{"a":"${'x'.repeat(10_000)}`)).toThrow('too large');
    expect(parse('{"a":"\\')).toThrow('unexpected EOF');
    expect(parse('  [')).toThrow('unexpected EOF');
    expect(parse(' \n ')).not.toThrow();
    expect(parse('}')).toThrow('beginning of value');
    expect(parse(`{"a":${'1'.repeat(100)}`)).toThrow('literal');
    for (const bad of ['{]', '{"a" 1}', '{"a":tru}', '{"a":01}', '[1,]', '{"a":1 2}'])
      expect(parse(bad)).toThrow(JsonError);
  });
});

describe('a message', () => {
  it('is written with the names of the contract and without what has its default', () => {
    expect(
      roundTrip('RangeRequest', { rangeEnd: 'AA==', limit: '5', sortOrder: 'DESCEND', keysOnly: false }),
    ).toEqual({
      range_end: 'AA==',
      limit: '5',
      sort_order: 'DESCEND',
    });
    // Of a choice, the one that was made is there even when it is zero.
    expect(roundTrip('Compare', { create_revision: 0 })).toEqual({ create_revision: '0' });
    expect(roundTrip('RequestOp', { request_put: {} })).toEqual({ request_put: {} });
    expect(roundTrip('RangeRequest', { sort_order: 9 })).toEqual({ sort_order: 9 });
    expect(roundTrip('ResponseHeader', { cluster_id: '18446744073709551615', revision: '-1' })).toEqual({
      cluster_id: '18446744073709551615',
      revision: '-1',
    });
  });

  it.each([
    ['RangeRequest', { limit: '9223372036854775808' }],
    ['RangeRequest', { limit: {} }],
    ['RangeRequest', { key: 'a' }],
    ['RangeRequest', { key: 'a b=' }],
    ['RangeRequest', { sort_order: '__proto__' }],
    ['ResponseHeader', { cluster_id: '-1' }],
    ['TxnRequest', { compare: [null] }],
    ['TxnRequest', { compare: {} }],
    ['TxnRequest', { success: [[]] }],
  ])('%s refuses %j', (name, json) => expect(() => encodeJson(type(name), json)).toThrow(JsonError));

  it('ignores names that are none of its own', () => {
    expect(
      encodeJson(type('RangeRequest'), JSON.parse('{"__proto__":{"limit":1},"constructor":5}')),
    ).toHaveLength(0);
  });

  it('that is large comes in small pieces, and is the same', () => {
    const kvs = Array.from({ length: 3_000 }, (_, at) => ({
      key: Buffer.from(`key-${at}`).toString('base64'),
      value: Buffer.alloc(300, at).toString('base64'),
      mod_revision: String(at + 1),
    }));
    const range = { header: { revision: '7' }, kvs, more: true, count: '3000' };
    const txn = { succeeded: true, responses: [{ response_range: range }, { response_put: {} }] };
    expect(roundTrip('TxnResponse', txn)).toEqual(txn);
    const pieces = [...writeJson(type('TxnResponse'), encodeJson(type('TxnResponse'), txn))];
    expect(pieces.length).toBeGreaterThan(3_000);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(2_000);
  });
});
