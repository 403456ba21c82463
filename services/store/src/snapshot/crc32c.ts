/** CRC-32 (Castagnoli), over the parts that are added. */
export class Crc32c {
  #sum = 0xffffffff;

  add(bytes: Uint8Array): this {
    let sum = this.#sum;
    for (let at = 0; at < bytes.length; at += 1) sum = table[(sum ^ bytes[at]!) & 0xff]! ^ (sum >>> 8);
    this.#sum = sum;
    return this;
  }

  get value(): number {
    return (this.#sum ^ 0xffffffff) >>> 0;
  }
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0x82f63b78 ^ (sum >>> 1) : sum >>> 1;
  return sum >>> 0;
});
