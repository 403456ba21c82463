import { watch } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { agentLimits } from '../limits.js';
import { parseLogRecord, renderLogRecord } from './cri-log.js';

export interface ReadLogOptions {
  /** Only the last so many records. */
  readonly tailLines?: number;
  /** Only records from then on, in milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  readonly timestamps: boolean;
  /** Goes on until the container has ended and everything that it wrote was read. */
  readonly follow: boolean;
  readonly isRunning: () => boolean | Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * A container's log as `kubectl logs` shows it, in blocks. Reads no faster than it is consumed. A file that is moved aside
 * under a follower is read to its end before the new one. Rejects ENOENT if there is no log.
 */
export async function* readLog(
  path: string,
  options: ReadLogOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const changes = options.follow ? new DirectoryChanges(dirname(path), options.signal) : undefined;
  const renderer = new LogRenderer(options);
  let file = await open(path, 'r');
  try {
    let position = options.tailLines === undefined ? 0 : await tailPosition(file, options.tailLines);
    while (!options.signal.aborted && !renderer.full) {
      // Asked before the read: what was written up to the end of the container is then still read.
      const over = !options.follow || !(await options.isRunning());
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(agentLimits.logBlockBytes),
        0,
        agentLimits.logBlockBytes,
        position,
      );
      position += bytesRead;
      if (bytesRead > 0) {
        const text = renderer.render(buffer.subarray(0, bytesRead));
        if (text.length > 0) yield text;
        continue;
      }
      const replaced = options.follow && (await isReplaced(path, file));
      if (replaced) {
        await file.close();
        file = await open(path, 'r');
        position = 0;
      } else if (over) return;
      else await changes!.next(agentLimits.logFollowPollMs);
    }
  } finally {
    changes?.close();
    await file.close();
  }
}

/** Cuts blocks into records and renders those that were asked for. Holds at most one unfinished record. */
class LogRenderer {
  readonly #options: ReadLogOptions;
  #pending: Buffer = Buffer.alloc(0);
  #leftBytes: number;

  constructor(options: ReadLogOptions) {
    this.#options = options;
    this.#leftBytes = options.limitBytes ?? Infinity;
  }

  get full(): boolean {
    return this.#leftBytes <= 0;
  }

  render(block: Buffer): Buffer {
    const data = this.#pending.length === 0 ? block : Buffer.concat([this.#pending, block]);
    const out: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(10); end >= 0 && !this.full; end = data.indexOf(10, start)) {
      const rendered = this.#renderLine(data.subarray(start, end));
      start = end + 1;
      if (rendered === undefined) continue;
      out.push(rendered.subarray(0, Math.min(rendered.length, this.#leftBytes)));
      this.#leftBytes -= rendered.length;
    }
    const rest = data.subarray(start);
    // A line that no runtime writes: not a log, or one whose newline was lost.
    this.#pending = rest.length > recordBytesMax ? Buffer.alloc(0) : Buffer.from(rest);
    return Buffer.concat(out);
  }

  #renderLine(line: Buffer): Buffer | undefined {
    const record = parseLogRecord(line);
    if (record === undefined) return undefined;
    const { sinceMs, timestamps } = this.#options;
    if (sinceMs !== undefined && Date.parse(record.timestamp) < sinceMs) return undefined;
    return renderLogRecord(record, timestamps);
  }
}

/** containerd cuts lines at 16 KiB, others later; beyond this it is no record. */
const recordBytesMax = 1024 * 1024;

/** Where the last `lines` lines begin, read from the end. */
async function tailPosition(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  let position = size;
  let seen = 0;
  const block = Buffer.alloc(agentLimits.logBlockBytes);
  while (position > 0) {
    const length = Math.min(block.length, position);
    position -= length;
    const { bytesRead } = await file.read(block, 0, length, position);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The newline at the very end closes the last line, it does not begin another.
      if (block[at] !== 10 || position + at === size - 1) continue;
      seen += 1;
      if (seen === lines) return position + at + 1;
    }
  }
  return 0;
}

async function isReplaced(path: string, file: FileHandle): Promise<boolean> {
  const [there, here] = await Promise.all([stat(path).catch(() => undefined), file.stat()]);
  return there !== undefined && there.ino !== here.ino;
}

/** Tells of changes in a directory; one that came before `next` was called is not missed. */
class DirectoryChanges {
  readonly #watcher: ReturnType<typeof watch>;
  readonly #signal: AbortSignal;
  #changed = false;
  #wake = (): void => undefined;
  readonly #onAbort = (): void => this.#wake();

  constructor(directory: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#watcher = watch(directory, { persistent: false }, () => this.#notice());
    // Where changes cannot be watched, the poll alone has to do.
    this.#watcher.on('error', () => undefined);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async next(timeoutMs: number): Promise<void> {
    if (!this.#changed && !this.#signal.aborted) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher.close();
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #notice(): void {
    this.#changed = true;
    this.#wake();
  }
}
