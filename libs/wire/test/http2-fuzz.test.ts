import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, parsed } from '../../../test/support/mutated.js';
import { FrameReader, type Frame } from '../src/http2/frame-reader.js';
import { ConnectionError, flags, frame, frameTypes } from '../src/http2/frames.js';
import { encodeHeaders, HpackDecoder, HpackError } from '../src/http2/hpack.js';
import { http2Limits } from '../src/http2/limits.js';
import { MessageAssembler } from '../src/http2/messages.js';
import { CallError } from '../src/in-process.js';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const payload = fc.uint8Array({ maxLength: 80 });
const anyFrame = fc
  .tuple(fc.nat(10), fc.constantFrom(0, 1, 4, 5, 8, 0x0c, 0x2c, 0xff), fc.nat(5), payload)
  .map(([type, frameFlags, streamId, bytes]) => frame(type, frameFlags, streamId, bytes));
/** A header block in pieces. */
const headers = fc
  .array(payload, { minLength: 2, maxLength: 5 })
  .map((pieces) =>
    Buffer.concat(
      pieces.map((piece, at) =>
        frame(
          at === 0 ? frameTypes.headers : frameTypes.continuation,
          at === pieces.length - 1 ? flags.endHeaders : 0,
          1,
          piece,
        ),
      ),
    ),
  );
const stream = fc
  .array(fc.oneof(anyFrame, headers), { maxLength: 8 })
  .map((frames) => Buffer.concat([preface, ...frames]));

/** Every frame until the end or the first error, which is named at the end. */
function framesOf(chunks: readonly Buffer[]): readonly unknown[] {
  const reader = new FrameReader();
  const found: unknown[] = [];
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let next: Frame | null = reader.next(); next !== null; next = reader.next())
        found.push({ ...next, payload: next.payload.toString('hex') });
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    found.push(error.message);
  }
  return found;
}

function chunked(bytes: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

describe('frames', () => {
  it('are the same however they arrive in pieces, those of a broken stream too', () => {
    fc.assert(
      fc.property(fc.oneof(stream, mutated(stream)), sizes, (bytes, pieces) => {
        const whole = framesOf([bytes]);
        expect(framesOf(chunked(bytes, pieces))).toEqual(whole);
        expect(whole.length).toBeLessThanOrEqual(1 + bytes.length / 9);
      }),
      { numRuns: 1_000 },
    );
  });
});

const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
/** As encoders do that remember: literals with indexing, then indexes of them, and sizes of the table. */
const indexed = fc
  .array(
    fc.oneof(
      fc
        .tuple(text, text)
        .map(([name, value]) => Buffer.concat([Buffer.of(0x40), encodeHeaders([name, value]).subarray(1)])),
      fc.integer({ min: 1, max: 70 }).map((index) => Buffer.of(0x80 | index)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat([Buffer.of(0x3f, 0xe1, 0x1f), ...parts]));

describe('HPACK', () => {
  it('gives headers within their bound or an error, block after block', () => {
    fc.assert(
      fc.property(fc.array(mutated(indexed), { minLength: 1, maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        const lists: (readonly string[])[] = [];
        for (const block of blocks) {
          const list = parsed(block, (bytes) => decoder.decode(bytes, 2_048), [HpackError], Infinity);
          if (list === undefined) break; // The connection ends.
          lists.push(list);
        }
        for (const list of lists) {
          const sizeBytes = list.reduce((sum, each) => sum + each.length, 16 * list.length);
          expect(sizeBytes).toBeLessThanOrEqual(2_048);
          expect(list.length % 2).toBe(0);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('messages', () => {
  const message = fc
    .uint8Array({ maxLength: 100 })
    .map((bytes) => Buffer.concat([Buffer.of(0, 0, 0, 0, bytes.length), bytes]));
  const messages = fc.array(message, { maxLength: 5 }).map((all) => Buffer.concat(all));

  it('are whole or refused, and what is kept of them is counted to the byte', () => {
    fc.assert(
      fc.property(mutated(messages), sizes, (bytes, pieces) => {
        const held = { bytes: 0 };
        const assembler = new MessageAssembler(4_096, 'gzip', held, http2Limits.partialRequestBytesMax);
        let taken = 0;
        try {
          for (const chunk of chunked(bytes, pieces))
            for (const each of assembler.push(Buffer.from(chunk))) {
              taken += 1;
              expect(each.length).toBeLessThanOrEqual(4_096);
            }
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
        }
        expect(taken).toBeLessThanOrEqual(bytes.length / 5);
        expect(held.bytes).toBeLessThanOrEqual(bytes.length);
        assembler.drop();
        expect(held.bytes).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
