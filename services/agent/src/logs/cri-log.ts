import { agentLimits } from '../limits.js';

/**
 * The log file format of the Container Runtime Interface, one record a line:
 *
 *     2026-11-21T22:31:29.123456789Z stdout F the text
 *
 * `P` marks a record whose line goes on in the next record of the same stream.
 */
export type LogStream = 'stdout' | 'stderr';

export interface LogRecord {
  readonly timestamp: string;
  readonly stream: LogStream;
  readonly partial: boolean;
  readonly text: Buffer;
}

const space = 0x20;
const newline = 0x0a;

/** Undefined for a line that is no record: a torn write, or another format. */
export function parseLogRecord(line: Buffer): LogRecord | undefined {
  const afterTime = line.indexOf(space);
  const afterStream = line.indexOf(space, afterTime + 1);
  const afterTag = line.indexOf(space, afterStream + 1);
  if (afterTime <= 0 || afterStream < 0) return undefined;
  const stream = line.toString('latin1', afterTime + 1, afterStream);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tagEnd = afterTag < 0 ? line.length : afterTag;
  // Tags are separated by ':'; the first says whether the line is whole.
  const tag = line.toString('latin1', afterStream + 1, tagEnd).split(':')[0];
  if (tag !== 'F' && tag !== 'P') return undefined;
  return {
    timestamp: line.toString('latin1', 0, afterTime),
    stream,
    partial: tag === 'P',
    text: line.subarray(Math.min(tagEnd + 1, line.length)),
  };
}

/** What `kubectl logs` shows of a record. */
export function renderLogRecord(record: LogRecord, timestamps: boolean): Buffer {
  const parts: Buffer[] = [];
  if (timestamps) parts.push(Buffer.from(`${record.timestamp} `));
  parts.push(record.text);
  if (!record.partial) parts.push(Buffer.from('\n'));
  return Buffer.concat(parts);
}

const logTimestamp = (timeMs: number): string => new Date(timeMs).toISOString().replace('Z', '000000Z');

/** Cuts one stream of output into records. Holds at most one record's bytes. */
export class LogRecordEncoder {
  readonly #stream: LogStream;
  #pending: Buffer = Buffer.alloc(0);

  constructor(stream: LogStream) {
    this.#stream = stream;
  }

  /** The finished records in `chunk` and what was pending before it. */
  encode(chunk: Buffer, timeMs: number): Buffer {
    const prefix = `${logTimestamp(timeMs)} ${this.#stream} `;
    const out: Buffer[] = [];
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const end = rest.indexOf(newline);
      const whole = end >= 0 && end <= agentLimits.logRecordBytesMax;
      if (!whole && rest.length < agentLimits.logRecordBytesMax) break;
      const length = whole ? end : agentLimits.logRecordBytesMax;
      out.push(Buffer.from(`${prefix}${whole ? 'F' : 'P'} `), rest.subarray(0, length), Buffer.from('\n'));
      rest = rest.subarray(whole ? length + 1 : length);
    }
    this.#pending = Buffer.from(rest);
    return Buffer.concat(out);
  }

  /** The last line, if its output ended without a newline. */
  end(timeMs: number): Buffer {
    if (this.#pending.length === 0) return this.#pending;
    const out = Buffer.concat([
      Buffer.from(`${logTimestamp(timeMs)} ${this.#stream} P `),
      this.#pending,
      Buffer.from('\n'),
    ]);
    this.#pending = Buffer.alloc(0);
    return out;
  }
}
