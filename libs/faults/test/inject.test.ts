import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  between,
  clockPreload,
  drop,
  FaultError,
  FaultLedger,
  fillDisk,
  kill,
  mountDisk,
  oneWay,
  pause,
  ring,
  stepClock,
  stutter,
  unmountDisk,
  type Injected,
  type NetworkTarget,
  type ProcessTarget,
} from '@raftsman/faults';

const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'faults-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error('it did not come true');
    await sleep(10);
  }
}

/** A process that runs a script, and can be started again. */
function target(script: string, words: readonly string[] = []) {
  let child: ChildProcess;
  let lines: string[] = [];
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [...words, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    lines = [];
    child.stdout!.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)));
    await once(child, 'spawn');
  };
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  cleanups.push(async () => {
    if (!isRunning()) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const it: ProcessTarget = {
    name: 'm1',
    get pid() {
      return isRunning() ? child.pid : undefined;
    },
    ended: async () => void (isRunning() && (await once(child, 'exit'))),
    start,
  };
  return { it, start, lines: () => lines };
}

const ticking = 'let i = 0; setInterval(() => console.log(++i), 10)';
const stateOf = (pid: number): string =>
  /State:\s+(\S)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!;

describe('processes', () => {
  it('are killed, and started again by undoing it, once', async () => {
    const one = target(ticking);
    await one.start();
    const before = one.it.pid;
    const fault = await kill(one.it);
    expect(fault.did).toBe(`killed m1 (SIGKILL to ${before})`);
    expect(one.it.pid).toBeUndefined();
    await expect(kill(one.it)).rejects.toThrow(FaultError);
    await fault.undo();
    const after = one.it.pid;
    expect(after).not.toBe(before);
    await fault.undo();
    expect(one.it.pid).toBe(after);
  });

  it('are paused and resumed', async () => {
    const one = target(ticking);
    await one.start();
    await until(() => one.lines().length > 0);
    const fault = await pause(one.it);
    const pid = one.it.pid!;
    await until(() => stateOf(pid) === 'T');
    await fault.undo();
    await until(() => stateOf(pid) !== 'T');
    const told = one.lines().length;
    await until(() => one.lines().length > told + 3);
    expect(fault.did).toContain('m1');
  });

  it('stutter until they are left alone', async () => {
    const one = target(ticking);
    await one.start();
    const fault = await stutter(one.it, { stoppedMs: 20, runningMs: 20 });
    const pid = one.it.pid!;
    await until(() => stateOf(pid) === 'T');
    await fault.undo();
    await until(() => stateOf(pid) !== 'T');
    const told = one.lines().length;
    await until(() => one.lines().length > told + 3);
    expect(fault.did).toBe('m1 stutters: 20 ms stopped, 20 ms running');
  });

  it('have their wall clock stepped, and not their monotonic one', async () => {
    const file = join(temporaryDirectory(), 'clock');
    const script =
      'const w = Date.now(), m = performance.now(); setInterval(() => console.log(Math.round((Date.now() - w) - (performance.now() - m)), new Date().getFullYear(), typeof Date()), 10)';
    const one = target(script, ['--import', clockPreload(file)]);
    await one.start();
    await until(() => one.lines().length > 0);
    const twoYearsBack = -2 * 364 * 24 * 3_600_000;
    await expect(stepClock('m1', file, twoYearsBack)).rejects.toThrow(RangeError);
    const fault = await stepClock('m1', file, twoYearsBack / 2);
    const seenMs = (): number => Number(one.lines().at(-1)!.split(' ')[0]);
    await until(() => Math.abs(seenMs() - twoYearsBack / 2) < 100);
    const year = new Date(Date.now() + twoYearsBack / 2).getFullYear();
    expect(one.lines().at(-1)).toContain(`${year} string`);
    await fault.undo();
    await until(() => Math.abs(seenMs()) < 100);
  });
});

describe.runIf(isRoot)('with root', () => {
  it('a disk is filled to the last byte, and freed', async () => {
    const directory = join(temporaryDirectory(), 'disk');
    await mountDisk(directory, 1 << 22);
    cleanups.push(() => unmountDisk(directory));
    const fault = await fillDisk(directory);
    expect(() => writeFileSync(join(directory, 'a'), Buffer.alloc(8192))).toThrow(/ENOSPC/);
    await expect(fillDisk(directory)).rejects.toThrow(FaultError);
    await fault.undo();
    await fault.undo();
    writeFileSync(join(directory, 'a'), Buffer.alloc(8192));
  });

  it('packets are dropped one way, and pass again', async () => {
    // A namespace of its own: it ends with the process that holds it.
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo up; exec sleep 1000']);
    cleanups.push(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const enter = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
    const self: NetworkTarget = { name: 'm1', address: '127.0.0.1', enter };
    const other: NetworkTarget = { name: 'm2', address: '127.0.0.2', enter };
    // One timer after the other: what came while the process stood still is looked at between them.
    const passes = async (): Promise<boolean> => {
      const script = `const s = require('node:dgram').createSocket('udp4'), c = require('node:dgram').createSocket('udp4');
        s.on('message', () => process.exit(0));
        s.bind(0, '127.0.0.1', () => c.bind(0, '127.0.0.2', () => { c.send('x', s.address().port, '127.0.0.1'); setTimeout(() => setTimeout(() => process.exit(1), 100), 1500); }));`;
      const child = spawn(enter[0]!, [...enter.slice(1), process.execPath, '-e', script]);
      const [code] = (await once(child, 'exit')) as [number];
      return code === 0;
    };
    expect(await passes()).toBe(true);
    const backwards = await drop(oneWay(self, [other], 'outgoing'));
    expect(await passes()).toBe(true);
    await backwards.undo();
    const fault = await drop(oneWay(self, [other], 'incoming'));
    expect(fault.did).toBe('cut m2 → m1');
    expect(await passes()).toBe(false);
    await fault.undo();
    await fault.undo();
    expect(await passes()).toBe(true);
  });
});

describe('partitions', () => {
  const machine = (name: string): NetworkTarget => ({ name, address: name, enter: [] });
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(machine) as [
    NetworkTarget,
    NetworkTarget,
    NetworkTarget,
    NetworkTarget,
    NetworkTarget,
  ];
  const names = (links: readonly { from: NetworkTarget; to: NetworkTarget }[]) =>
    links.map(({ from, to }) => from.name + to.name).sort();

  it('are links', () => {
    expect(names(between([a], [b, c]))).toEqual(['ab', 'ac', 'ba', 'ca']);
    expect(names(oneWay(a, [b, c], 'incoming'))).toEqual(['ba', 'ca']);
    expect(names(oneWay(a, [b, c], 'outgoing'))).toEqual(['ab', 'ac']);
    expect(names(ring([a, b, c]))).toEqual(['ac', 'ca']);
    const five = names(ring([a, b, c, d, e]));
    expect(five).toHaveLength(10);
    for (const { name } of [a, b, c, d, e])
      expect(five.filter((link) => link.startsWith(name))).toHaveLength(2);
  });
});

describe('the ledger', () => {
  const faultOf = (name: string, undone: string[], fails = 0): Injected => ({
    did: name,
    undoing: `un-${name}`,
    undo: async () => {
      if (fails-- > 0) throw new Error('not yet');
      undone.push(name);
    },
  });

  it('undoes the last first, all of them, and tries again what failed', async () => {
    const undone: string[] = [];
    const ledger = new FaultLedger();
    for (const fault of [faultOf('a', undone), faultOf('b', undone, 1), faultOf('c', undone)])
      await ledger.inject(async () => fault);
    await expect(ledger.healAll()).rejects.toThrow(AggregateError);
    expect(undone).toEqual(['c', 'a']);
    expect(ledger.list().map(({ status }) => status)).toEqual(['undone', 'undo-failed', 'undone']);
    await ledger.healAll();
    expect(undone).toEqual(['c', 'a', 'b']);
  });

  it('lets nothing in behind the one who heals', async () => {
    const undone: string[] = [];
    const ledger = new FaultLedger();
    let finish: (fault: Injected) => void = () => undefined;
    const slow = ledger.inject(() => new Promise((resolve) => (finish = resolve)));
    await ledger.close();
    finish(faultOf('slow', undone));
    await slow;
    expect(undone).toEqual(['slow']);
    await expect(ledger.inject(async () => faultOf('late', undone))).rejects.toThrow(FaultError);
  });

  it('knows nothing of a fault that could not be injected', async () => {
    const ledger = new FaultLedger();
    await expect(ledger.inject(() => Promise.reject(new FaultError('no root')))).rejects.toThrow('no root');
    expect(ledger.list()).toEqual([]);
  });
});
