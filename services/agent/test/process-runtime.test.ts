import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@raftsman/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import { AddressPool } from '../src/runtime/process/addresses.js';
import { ProcessRuntime } from '../src/runtime/process/process-runtime.js';
import { readProcess } from '../src/runtime/process/process-table.js';
import { RecordStore, type ContainerRecord } from '../src/runtime/process/records.js';
import { describeRuntime } from './runtime-conformance.js';

const logger = createLogger({ component: 'test', level: 'silent' });

async function open(rootDir: string): Promise<ProcessRuntime> {
  const runtime = await ProcessRuntime.open({ rootDir, version: 'test', logger });
  await runtime.updateRuntimeConfig({ podCidr: '127.77.1.0/24' });
  return runtime;
}

describeRuntime('process', async () => {
  const rootDir = await mkdtemp(join(tmpdir(), 'raftsman-process-'));
  const runtime = await open(rootDir);
  return {
    runtime,
    image: 'none',
    stop: async () => {
      await runtime.close();
      await rm(rootDir, { recursive: true, force: true });
    },
  };
});

describe('the process runtime after its agent died', () => {
  let rootDir = '';
  afterEach(() => rm(rootDir, { recursive: true, force: true }));

  const orphan = async (startTicksError: number): Promise<{ pid: number; alive: () => Promise<boolean> }> => {
    rootDir = await mkdtemp(join(tmpdir(), 'raftsman-process-'));
    const containers = new RecordStore<ContainerRecord>(join(rootDir, 'containers'));
    await containers.load();
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const pid = child.pid!;
    const { startTicks } = (await readProcess(pid))!;
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const life = {
      state: 'running' as const,
      startedAtMs: 1,
      pid,
      startTicks: startTicks + startTicksError,
      bootId,
    };
    await containers.put({
      id: 'left-behind',
      sandboxId: 'sandbox',
      config: {
        metadata: { name: 'main', attempt: 2 },
        image: 'x',
        imageRef: 'x',
        labels: {},
        annotations: {},
      },
      logPath: join(rootDir, 'log'),
      createdAtMs: 1,
      life,
    });
    return { pid, alive: async () => ((await readProcess(pid))?.state ?? 'Z') !== 'Z' };
  };

  it('kills what it finds of the earlier one and reports it as ended', async () => {
    const { alive } = await orphan(0);
    const runtime = await open(rootDir);
    expect(await alive()).toBe(false);
    const status = await runtime.containerStatus('left-behind');
    expect([status.state, status.exitCode, status.metadata.attempt]).toEqual(['exited', 137, 2]);
    await runtime.removeContainer('left-behind');
    expect(await (await open(rootDir)).listContainers()).toEqual([]);
  });

  it('leaves a process alone that only has the pid of an earlier one', async () => {
    const { pid, alive } = await orphan(-100);
    await open(rootDir);
    expect(await alive()).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});

describe('the pool of pod addresses', () => {
  it('gives each out once, and again after it was given back', () => {
    const pool = new AddressPool('127.5.0.0/29');
    const all = [1, 2, 3, 4, 5].map(() => pool.allocate());
    expect(all).toEqual(['127.5.0.2', '127.5.0.3', '127.5.0.4', '127.5.0.5', '127.5.0.6']);
    expect(() => pool.allocate()).toThrow(/no address is left/);
    pool.release('127.5.0.4');
    expect(pool.allocate()).toBe('127.5.0.4');
    expect(() => new AddressPool('127.5.0.0/33')).toThrow(/IPv4 block/);
  });
});
