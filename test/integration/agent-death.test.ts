import { execFile, fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLogger } from '@raftsman/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessRuntime } from '../../services/agent/src/runtime/process/process-runtime.js';
import { readProcess } from '../../services/agent/src/runtime/process/process-table.js';
import { eventually } from '../../services/agent/test/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const logger = createLogger({ component: 'test', level: 'silent' });

/** An agent's runtime in a process of its own: runs one container, then waits to be killed. */
const script = (rootDir: string, shell: string): string => `
import { ProcessRuntime } from ${JSON.stringify(join(root, 'services/agent/dist/runtime/process/process-runtime.js'))};
import { createLogger } from ${JSON.stringify(join(root, 'libs/telemetry/dist/index.js'))};
const logger = createLogger({ component: 'test', level: 'silent' });
const runtime = await ProcessRuntime.open({ rootDir: ${JSON.stringify(rootDir)}, version: 'test', logger });
await runtime.updateRuntimeConfig({ podCidr: '127.77.4.0/24' });
const metadata = { name: 'p', namespace: 'default', uid: 'u', attempt: 0 };
const sandbox = { metadata, hostname: 'p', logDirectory: ${JSON.stringify(join(rootDir, 'logs'))}, labels: {}, annotations: {} };
const sandboxId = await runtime.runPodSandbox(sandbox);
const container = {
  metadata: { name: 'main', attempt: 0 }, image: '', imageRef: '', args: [], workingDir: '', env: [], mounts: [],
  command: ['/bin/sh', '-c', ${JSON.stringify(shell)}], labels: {}, annotations: {}, logPath: '0.log', security: {},
};
const id = await runtime.createContainer(sandboxId, container, sandbox);
await runtime.startContainer(id);
process.send(id);
setInterval(() => undefined, 1_000);
`;

const isAlive = async (pid: number): Promise<boolean> => {
  const state = (await readProcess(pid))?.state;
  return state !== undefined && state !== 'Z';
};

describe('an agent that is killed', () => {
  let rootDir: string;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-b', 'services/agent'], { cwd: root });
    rootDir = await mkdtemp(join(tmpdir(), 'raftsman-death-'));
  }, 120_000);
  afterAll(async () => {
    child?.kill('SIGKILL');
    await rm(rootDir, { recursive: true, force: true });
  });

  it.skipIf(!existsSync('/usr/bin/setpriv'))(
    'takes its pods along, and the next one finds the rest',
    async () => {
      const pids = join(rootDir, 'pids');
      // A grandchild that left the session: the kernel does not know that it belongs to anybody.
      const shell = `setsid sleep 1000 & echo "$! $$" > ${pids}; exec sleep 1000`;
      const file = join(rootDir, 'agent.mjs');
      await writeFile(file, script(rootDir, shell));
      child = fork(file);
      const id = await new Promise<string>((resolve, reject) => {
        child!.once('message', (message) => resolve(message as string));
        child!.once('exit', (code) => reject(new Error(`the agent ended with ${code}`)));
      });
      const [stray, first] = await eventually(async () => {
        const found = (await readFile(pids, 'utf8')).trim().split(' ').map(Number);
        expect(found).toHaveLength(2);
        return found;
      });
      expect([await isAlive(stray!), await isAlive(first!)]).toEqual([true, true]);

      child.kill('SIGKILL');
      await eventually(async () => expect(await isAlive(first!)).toBe(false));

      const next = await ProcessRuntime.open({ rootDir, version: 'test', logger });
      expect(await isAlive(stray!)).toBe(false);
      expect(await next.containerStatus(id)).toMatchObject({ state: 'exited', exitCode: 137 });
    },
  );
});
