/**
 * Huffman strings of HPACK (RFC 7541, appendix B). The code is canonical: within a length the codes ascend with the symbols, so that the
 * lengths say everything.
 */
// prettier-ignore
const bitLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const endOfString = 256;

/** Two children a node: positive is another node, negative -1 - symbol, 0 nothing. */
const tree = makeTree();

function makeTree(): Int16Array {
  const children = new Int16Array(2 * 512);
  let nodes = 1;
  let code = 0;
  let length = 0;
  const symbols = bitLengths.map((_, symbol) => symbol);
  symbols.sort((a, b) => bitLengths[a]! - bitLengths[b]! || a - b);
  for (const symbol of symbols) {
    code <<= bitLengths[symbol]! - length;
    length = bitLengths[symbol]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const slot = 2 * node + ((code >>> bit) & 1);
      if (children[slot] === 0) children[slot] = nodes++;
      node = children[slot]!;
    }
    children[2 * node + (code & 1)] = -1 - symbol;
    code += 1;
  }
  return children;
}

/** null: no valid encoding. Chars are bytes. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | null {
  let text = '';
  let node = 0;
  /** Bits since the last symbol, and whether all of them were ones. */
  let depth = 0;
  let ones = true;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at]!;
    for (let bit = 7; bit >= 0; bit -= 1) {
      const value = (byte >>> bit) & 1;
      const next = tree[2 * node + value]!;
      if (next > 0) {
        node = next;
        depth += 1;
        ones &&= value === 1;
        continue;
      }
      if (next === 0 || next === -1 - endOfString) return null;
      text += String.fromCharCode(-1 - next);
      node = 0;
      depth = 0;
      ones = true;
    }
  }
  // What fills the last byte is the beginning of the code for the end, and less than a byte.
  return ones && depth < 8 ? text : null;
}
