import type { FileHandle } from 'node:fs/promises';

/** As much of a file as its readers ask for. */
export function fileOf(bytes: Buffer): Pick<FileHandle, 'read'> {
  const read = (target: Buffer, offset: number, length: number, position: number) => {
    const bytesRead = bytes.copy(target, offset, position, Math.min(position + length, bytes.length));
    return Promise.resolve({ bytesRead, buffer: target });
  };
  return { read } as unknown as Pick<FileHandle, 'read'>;
}
