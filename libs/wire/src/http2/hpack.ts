import { decodeHuffman } from './huffman.js';

/** HPACK (RFC 7541): reading with the whole of it, writing literals only, which needs no state on either side. */

/** Name and value by turns; names in lower case, chars are bytes. */
export type HeaderList = readonly string[];

export class HpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HpackError';
  }
}

/** RFC 7541, appendix A, from index 1 on. */
// prettier-ignore
const staticTable: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'],
  [':scheme', 'http'], [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'],
  [':status', '304'], [':status', '400'], [':status', '404'], [':status', '500'], ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'], ['accept-language', ''], ['accept-ranges', ''], ['accept', ''],
  ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''], ['cache-control', ''],
  ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
  ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''],
  ['expect', ''], ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''],
  ['if-none-match', ''], ['if-range', ''], ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''],
  ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''], ['proxy-authorization', ''], ['range', ''],
  ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
  ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''],
  ['www-authenticate', ''],
];

/** SETTINGS_HEADER_TABLE_SIZE: the default, which we do not change. */
const tableBytesMax = 4_096;
const entryOverheadBytes = 32;
/** Beyond this no length or index makes sense. */
const integerMax = 2 ** 24;

/** What one side of a connection remembers of the headers that the other side sent. */
export class HpackDecoder {
  /** Newest last. */
  #entries: (readonly [string, string])[] = [];
  #bytes = 0;
  #bytesMax = tableBytesMax;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** One whole header block. Throws HpackError, after which the connection cannot go on. `listBytesMax` as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
  decode(block: Uint8Array, listBytesMax: number): HeaderList {
    this.#block = block;
    this.#at = 0;
    const list: string[] = [];
    let left = listBytesMax;
    while (this.#at < block.length) {
      const first = block[this.#at]!;
      if ((first & 0xe0) === 0x20) {
        if (list.length > 0) throw new HpackError('a table size in the middle of a block');
        this.#resize(this.#integer(5));
        continue;
      }
      const [name, value] = first >= 0x80 ? this.#entry(this.#integer(7)) : this.#literal(first);
      left -= name.length + value.length + entryOverheadBytes;
      if (left < 0) throw new HpackError('too many headers');
      list.push(name, value);
    }
    return list;
  }

  #literal(first: number): readonly [string, string] {
    const indexed = (first & 0x40) !== 0;
    const index = this.#integer(indexed ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    const entry = [name, this.#string()] as const;
    if (indexed) this.#insert(entry);
    return entry;
  }

  #entry(index: number): readonly [string, string] {
    const entry =
      index <= staticTable.length
        ? staticTable[index - 1]
        : this.#entries[this.#entries.length - (index - staticTable.length)];
    if (entry === undefined) throw new HpackError(`no header ${index}`);
    return entry;
  }

  #insert(entry: readonly [string, string]): void {
    const size = entry[0].length + entry[1].length + entryOverheadBytes;
    this.#evict(this.#bytesMax - size);
    if (size > this.#bytesMax) return;
    this.#entries.push(entry);
    this.#bytes += size;
  }

  #resize(bytesMax: number): void {
    if (bytesMax > tableBytesMax) throw new HpackError('a table larger than allowed');
    this.#bytesMax = bytesMax;
    this.#evict(bytesMax);
  }

  #evict(bytesMax: number): void {
    let count = 0;
    while (this.#bytes > Math.max(0, bytesMax)) {
      const [name, value] = this.#entries[count++]!;
      this.#bytes -= name.length + value.length + entryOverheadBytes;
    }
    if (count > 0) this.#entries.splice(0, count);
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (value > integerMax) throw new HpackError('a number too large');
      if (byte < 0x80) return value;
      if (factor > integerMax) throw new HpackError('a number too long');
    }
  }

  #string(): string {
    const huffman = (this.#block[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#block.length) throw new HpackError('a string beyond its block');
    this.#at = to;
    if (!huffman) return latin1(this.#block, from, to);
    const text = decodeHuffman(this.#block, from, to);
    if (text === null) throw new HpackError('a string that is no Huffman code');
    return text;
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new HpackError('a block that ends too early');
    this.#at += 1;
    return byte;
  }
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');

/** Literals that nobody is to remember; `:status` 200 has a place in the static table. */
export function encodeHeaders(list: HeaderList): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < list.length; at += 2) {
    const [name, value] = [list[at]!, list[at + 1]!];
    if (name === ':status' && value === '200') parts.push(Buffer.of(0x88));
    else parts.push(Buffer.of(0x00), literal(name), literal(value));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** With a prefix of seven bits that leaves the eighth 0. */
function integer(value: number): Buffer {
  if (value < 0x7f) return Buffer.of(value);
  const bytes = [0x7f];
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
