import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogRecordEncoder, parseLogRecord } from '../src/logs/cri-log.js';
import { readLog, type ReadLogOptions } from '../src/logs/read-log.js';
import { LogWriter } from '../src/runtime/process/log-writer.js';
import { parseLogQuery } from '../src/server/log-query.js';
import { eventually } from './support.js';

let directory: string;
let path: string;
const stop = new AbortController();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'raftsman-logs-'));
  path = join(directory, '0.log');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const line = (text: string, tag = 'F', second = 0): string =>
  `2026-01-01T00:00:0${second}.000000000Z stdout ${tag} ${text}\n`;
const options = (rest: Partial<ReadLogOptions> = {}): ReadLogOptions => ({
  timestamps: false,
  follow: false,
  isRunning: () => false,
  signal: stop.signal,
  ...rest,
});
const read = async (rest: Partial<ReadLogOptions> = {}): Promise<string> =>
  Buffer.concat(await Readable.from(readLog(path, options(rest))).toArray()).toString();

describe('a log record', () => {
  it('is parsed with its stream, tag and text', () => {
    expect(parseLogRecord(Buffer.from('2026-01-01T00:00:00Z stderr P:extra a b'))).toEqual({
      timestamp: '2026-01-01T00:00:00Z',
      stream: 'stderr',
      partial: true,
      text: Buffer.from('a b'),
    });
    expect(parseLogRecord(Buffer.from('2026-01-01T00:00:00Z stdout F '))?.text.length).toBe(0);
    for (const bad of ['', 'x', 'time stdout', 'time stdin F x', 'time stdout X x'])
      expect([bad, parseLogRecord(Buffer.from(bad))]).toEqual([bad, undefined]);
  });

  it('of a long line is cut, and the line comes out whole again', async () => {
    const encoder = new LogRecordEncoder('stdout');
    const text = `${'x'.repeat(40_000)}\nshort\nno newline`;
    const parts = [
      encoder.encode(Buffer.from(text.slice(0, 100)), 0),
      encoder.encode(Buffer.from(text.slice(100)), 0),
    ];
    const records = Buffer.concat([...parts, encoder.end(0)]);
    expect(records.toString().match(/ stdout [FP] /g)).toEqual([
      ' stdout P ',
      ' stdout P ',
      ' stdout F ',
      ' stdout F ',
      ' stdout P ',
    ]);
    await writeFile(path, records);
    expect(await read()).toBe(text);
  });
});

describe('reading a log', () => {
  it('shows all, the end, what is new enough, as many bytes as wanted, with times', async () => {
    await writeFile(path, line('one') + line('two', 'F', 1) + 'no record\n' + line('three', 'F', 2));
    expect(await read()).toBe('one\ntwo\nthree\n');
    expect(await read({ tailLines: 1 })).toBe('three\n');
    expect(await read({ tailLines: 0 })).toBe('');
    expect(await read({ tailLines: 99 })).toBe('one\ntwo\nthree\n');
    expect(await read({ sinceMs: Date.parse('2026-01-01T00:00:01Z') })).toBe('two\nthree\n');
    expect(await read({ limitBytes: 5 })).toBe('one\nt');
    expect(await read({ tailLines: 1, timestamps: true })).toBe('2026-01-01T00:00:02.000000000Z three\n');
  });

  it('finds the tail across blocks', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => line(`line ${index} ${'.'.repeat(50)}`)).join(
      '',
    );
    await writeFile(path, many);
    expect((await read({ tailLines: 3_000 })).split('\n')[0]).toMatch(/^line 2000 /);
    expect((await read()).split('\n').length).toBe(5_001);
  });

  it('follows what is written, over a rotation, until the container ends', async () => {
    await writeFile(path, line('one'));
    let running = true;
    let seen = '';
    const following = (async () => {
      for await (const block of readLog(path, options({ follow: true, isRunning: () => running })))
        seen += block.toString();
    })();
    await eventually(() => expect(seen).toBe('one\n'));
    await appendFile(path, line('two'));
    await eventually(() => expect(seen).toBe('one\ntwo\n'));
    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, line('late'));
    await writeFile(path, line('three'));
    await eventually(() => expect(seen).toBe('one\ntwo\nlate\nthree\n'));
    await appendFile(path, line('last'));
    running = false;
    await following;
    expect(seen).toBe('one\ntwo\nlate\nthree\nlast\n');
  });

  it('of a follower ends when the reader is gone', async () => {
    await writeFile(path, line('one'));
    const gone = new AbortController();
    const reading = (async () => {
      for await (const block of readLog(
        path,
        options({ follow: true, isRunning: () => true, signal: gone.signal }),
      ))
        expect(block.toString()).toBe('one\n');
    })();
    setTimeout(() => gone.abort(), 50);
    await reading;
  });
});

describe('writing a log', () => {
  const fail = (error: unknown): void => {
    throw error;
  };
  it('goes on when the disk refuses, and says so once', async () => {
    const lost: unknown[] = [];
    const writer = await LogWriter.open('/dev/full', (error) => lost.push(error));
    await writer.copy(Readable.from([Buffer.from('a\n'), Buffer.from('b\n')]), 'stdout');
    await writer.close();
    expect(lost).toEqual([expect.objectContaining({ code: 'ENOSPC' })]);
  });

  it('moves the file aside when it is full and keeps one older', async () => {
    const writer = await LogWriter.open(path, fail, 1_000);
    const lines = Array.from({ length: 100 }, (_, index) => Buffer.from(`line ${index}\n`));
    await writer.copy(Readable.from(lines), 'stdout');
    await writer.close();
    const [older, newer] = [await readFile(`${path}.1`, 'utf8'), await readFile(path, 'utf8')];
    expect(older.length).toBeLessThanOrEqual(1_000);
    expect(newer).toContain('line 99\n');
    expect(older + newer).not.toContain('line 0\n');
  });
});

describe('the query of /containerLogs', () => {
  it('is read as kubelet reads it, and what is wrong is named', () => {
    const parse = (query: string) => parseLogQuery(new URLSearchParams(query), 100_000);
    expect(parse('')).toEqual({ follow: false, previous: false, timestamps: false });
    expect(parse('follow=true&previous=1&tailLines=5&sinceSeconds=10&limitBytes=7')).toEqual({
      follow: true,
      previous: true,
      timestamps: false,
      tailLines: 5,
      sinceMs: 90_000,
      limitBytes: 7,
    });
    expect(parse('tailLines=-1&follow=maybe')).toBe(
      'follow: expected true or false; tailLines: expected a whole number from 0',
    );
    expect(parse('sinceTime=yesterday')).toMatch(/RFC 3339/);
    expect(parse('sinceTime=2026-01-01T00:00:00Z&sinceSeconds=1')).toMatch(/at most one/);
  });
});
