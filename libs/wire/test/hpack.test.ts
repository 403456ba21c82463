import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeaders, HpackDecoder, HpackError } from '../src/http2/hpack.js';

describe('HPACK', () => {
  /** RFC 7541, appendix C.4 and C.6.1: Huffman strings and a table that grows. */
  it('reads the examples of its RFC', () => {
    const decoder = new HpackDecoder();
    const decode = (hex: string): readonly string[] => decoder.decode(Buffer.from(hex, 'hex'), 4_096);
    expect(decode('828684418cf1e3c2e5f23a6ba0ab90f4ff')).toEqual([
      ':method',
      'GET',
      ':scheme',
      'http',
      ':path',
      '/',
      ':authority',
      'www.example.com',
    ]);
    expect(decode('828684be5886a8eb10649cbf').slice(6)).toEqual([
      ':authority',
      'www.example.com',
      'cache-control',
      'no-cache',
    ]);
    expect(decode('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf').slice(6)).toEqual([
      ':authority',
      'www.example.com',
      'custom-key',
      'custom-value',
    ]);
  });

  it('reads what it writes, and never anything but headers or an error', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        expect(new HpackDecoder().decode(encodeHeaders(pairs.flat()), 2 ** 20)).toEqual(pairs.flat());
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let outcome: unknown;
        try {
          outcome = new HpackDecoder().decode(Buffer.from(bytes), 8_192).length % 2;
        } catch (error) {
          outcome = error;
        }
        expect(outcome === 0 || outcome instanceof HpackError).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
