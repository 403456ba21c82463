import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLogRecord } from '../src/logs/cri-log.js';
import { podLabels } from '../src/runtime/labels.js';
import type { ContainerConfig, ContainerStatus, PodSandboxConfig, Runtime } from '../src/runtime/runtime.js';
import { eventually } from './support.js';

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Has a shell, sleep, true and cat. */
  readonly image: string;
  readonly stop: () => Promise<void>;
}

/** What every Runtime must do: the contract of runtime.ts as tests. `missing`: why it cannot run on this machine. */
export function describeRuntime(
  name: string,
  start: () => Promise<RuntimeUnderTest>,
  missing?: string,
): void {
  const why = missing === undefined ? '' : ` (SKIPPED: ${missing})`;
  describe.skipIf(missing !== undefined)(`the runtime contract: ${name}${why}`, () => {
    let under: RuntimeUnderTest;
    let logs: string;
    let pods = 0;

    beforeAll(async () => {
      logs = await mkdtemp(join(tmpdir(), 'raftsman-conformance-'));
      under = await start();
    }, 90_000);
    afterAll(async () => {
      await under?.stop();
      await rm(logs, { recursive: true, force: true });
    }, 90_000);

    const sandboxConfig = (): PodSandboxConfig => {
      pods += 1;
      const pod = { uid: `uid-${process.pid}-${pods}`, namespace: 'default', name: `pod-${pods}` };
      return {
        metadata: { ...pod, attempt: 0 },
        hostname: pod.name,
        logDirectory: join(logs, pod.uid),
        labels: podLabels(pod),
        annotations: { 'example.org/kept': 'as it is' },
        hostNetwork: false,
        hostPid: false,
        hostIpc: false,
        sharedPid: false,
        privileged: false,
        portMappings: [],
        sysctls: {},
      };
    };
    const containerConfig = (
      sandbox: PodSandboxConfig,
      script: string,
      rest: Partial<ContainerConfig> = {},
    ): ContainerConfig => ({
      metadata: { name: 'main', attempt: 0 },
      image: under.image,
      imageRef: under.image,
      command: ['/bin/sh', '-c', script],
      args: [],
      workingDir: '',
      env: [],
      mounts: [],
      labels: sandbox.labels,
      annotations: { 'io.kubernetes.container.restartCount': '0' },
      logPath: `main/${rest.metadata?.attempt ?? 0}.log`,
      stdin: false,
      stdinOnce: false,
      tty: false,
      resources: { cpuPeriodUs: 0, cpuQuotaUs: 0, cpuShares: 2, memoryLimitBytes: 0, oomScoreAdj: 1_000 },
      security: {
        privileged: false,
        readOnlyRootFilesystem: false,
        noNewPrivileges: false,
        addCapabilities: [],
        dropCapabilities: [],
        supplementalGroups: [],
        seccomp: 'Unconfined',
      },
      ...rest,
    });
    const run = async (
      script: string,
      rest: Partial<ContainerConfig> = {},
    ): Promise<{ sandboxId: string; id: string; sandbox: PodSandboxConfig }> => {
      const sandbox = sandboxConfig();
      await mkdir(sandbox.logDirectory, { recursive: true });
      const sandboxId = await under.runtime.runPodSandbox(sandbox);
      const config = containerConfig(sandbox, script, rest);
      const id = await under.runtime.createContainer(sandboxId, config, sandbox);
      await under.runtime.startContainer(id);
      return { sandboxId, id, sandbox };
    };
    const ended = (id: string): Promise<ContainerStatus> =>
      eventually(async () => {
        const status = await under.runtime.containerStatus(id);
        expect(status.state).toBe('exited');
        return status;
      });
    const output = async (status: ContainerStatus): Promise<string> =>
      (await readFile(status.logPath))
        .toString('latin1')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const record = parseLogRecord(Buffer.from(line, 'latin1'));
          expect(record, `a CRI log record: ${line}`).toBeDefined();
          return `${record!.stream}:${record!.text.toString()}`;
        })
        .join('\n');

    it('says what it is and that it is ready', async () => {
      const version = await under.runtime.version();
      expect(version.name).not.toBe('');
      expect(version.version).not.toBe('');
      const conditions = await under.runtime.status();
      expect(conditions.map(({ type, status }) => [type, status])).toEqual([
        ['RuntimeReady', true],
        ['NetworkReady', true],
      ]);
    });

    it('gives each sandbox an address of its own and takes sandboxes away', async () => {
      const [one, two] = [sandboxConfig(), sandboxConfig()];
      const ids = [await under.runtime.runPodSandbox(one), await under.runtime.runPodSandbox(two)];
      const statuses = await Promise.all(ids.map((id) => under.runtime.podSandboxStatus(id)));
      expect(statuses.every(({ ready }) => ready)).toBe(true);
      expect(statuses[0]!.metadata).toEqual(one.metadata);
      expect(statuses[0]!.labels).toMatchObject(one.labels);
      expect(statuses[0]!.annotations).toEqual(one.annotations);
      expect(statuses[0]!.ips[0]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(statuses[0]!.ips).not.toEqual(statuses[1]!.ips);
      const found = await under.runtime.listPodSandboxes({ podUid: one.metadata.uid });
      expect(found.map(({ id }) => id)).toEqual([ids[0]]);
      for (const id of ids) {
        await under.runtime.stopPodSandbox(id);
        expect((await under.runtime.podSandboxStatus(id)).ready).toBe(false);
        await under.runtime.stopPodSandbox(id);
        await under.runtime.removePodSandbox(id);
        await under.runtime.removePodSandbox(id);
        await expect(under.runtime.podSandboxStatus(id)).rejects.toMatchObject({ code: 'NotFound' });
      }
    });

    it('runs a container to its end: state, times, exit code, log of both streams', async () => {
      const { id, sandbox } = await run('echo out; echo err >&2; exit 7');
      const status = await ended(id);
      expect(status.exitCode).toBe(7);
      expect(status.reason).toBe('Error');
      expect(status.metadata).toEqual({ name: 'main', attempt: 0 });
      expect(status.startedAtMs).toBeGreaterThan(0);
      expect(status.finishedAtMs).toBeGreaterThanOrEqual(status.startedAtMs);
      expect(status.logPath).toBe(join(sandbox.logDirectory, 'main/0.log'));
      expect((await output(status)).split('\n').toSorted()).toEqual(['stderr:err', 'stdout:out']);
    });

    it('passes arguments, variables and the working directory', async () => {
      const { id } = await run('ignored', {
        command: ['/bin/sh', '-c', 'echo "$0 $GREETING"; pwd'],
        args: ['argument'],
        env: [{ name: 'GREETING', value: 'two words' }],
        workingDir: '/tmp',
      });
      const status = await ended(id);
      expect(status.reason).toBe('Completed');
      expect(await output(status)).toBe('stdout:argument two words\nstdout:/tmp');
    });

    it('stops with SIGTERM, and with SIGKILL after the grace', async () => {
      const polite = await run('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done');
      await eventually(async () => {
        expect(await output(await under.runtime.containerStatus(polite.id))).toContain('up');
      });
      await under.runtime.stopContainer(polite.id, 20);
      const gone = await under.runtime.containerStatus(polite.id);
      expect([gone.state, gone.exitCode]).toEqual(['exited', 3]);
      expect(await output(gone)).toContain('bye');

      const stubborn = await run('trap "" TERM; echo up; while :; do sleep 0.05; done');
      await eventually(async () => {
        expect(await output(await under.runtime.containerStatus(stubborn.id))).toContain('up');
      });
      await under.runtime.stopContainer(stubborn.id, 1);
      const killed = await under.runtime.containerStatus(stubborn.id);
      expect([killed.state, killed.exitCode]).toEqual(['exited', 137]);
      await under.runtime.stopContainer(stubborn.id, 1);
    });

    it('ends what a container leaves behind with it', async () => {
      // The child outlives its parent, in a session of its own where there is setsid, and would touch the file for ever.
      const { id, sandboxId } = await run('(while :; do echo alive; sleep 0.05; done) & sleep 0.3; exit 0');
      const status = await ended(id);
      const size = (await readFile(status.logPath)).length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await readFile(status.logPath)).length).toBe(size);
      await under.runtime.stopPodSandbox(sandboxId);
    });

    it('runs commands beside the container, bounded in time', async () => {
      const { id, sandboxId } = await run('sleep 1000', { env: [{ name: 'SEEN', value: 'by exec' }] });
      const result = await under.runtime.execSync(
        id,
        ['/bin/sh', '-c', 'echo $SEEN; echo no >&2; exit 4'],
        10_000,
      );
      expect(result).toEqual({ exitCode: 4, stdout: 'by exec\n', stderr: 'no\n' });
      await expect(under.runtime.execSync(id, ['sleep', '1000'], 1_000)).rejects.toMatchObject({
        code: 'DeadlineExceeded',
      });
      await under.runtime.stopPodSandbox(sandboxId);
      expect((await under.runtime.containerStatus(id)).state).toBe('exited');
    });

    it('refuses a command that is not there, and says so in the status', async () => {
      const sandbox = sandboxConfig();
      const sandboxId = await under.runtime.runPodSandbox(sandbox);
      const config = containerConfig(sandbox, '', { command: ['no-such-command'] });
      const id = await under.runtime.createContainer(sandboxId, config, sandbox);
      await expect(under.runtime.startContainer(id)).rejects.toThrow(/no-such-command/);
      const status = await under.runtime.containerStatus(id);
      expect([status.state, status.exitCode, status.reason]).toEqual(['exited', 128, 'StartError']);
    });

    it('lists containers by pod and forgets those that are removed', async () => {
      const { id, sandbox, sandboxId } = await run('sleep 1000');
      const found = await under.runtime.listContainers({ podUid: sandbox.metadata.uid });
      expect(found.map((container) => [container.id, container.sandboxId, container.state])).toEqual([
        [id, sandboxId, 'running'],
      ]);
      await under.runtime.removeContainer(id);
      await under.runtime.removeContainer(id);
      await expect(under.runtime.containerStatus(id)).rejects.toMatchObject({ code: 'NotFound' });
      await under.runtime.removePodSandbox(sandboxId);
      expect(await under.runtime.listPodSandboxes({ podUid: sandbox.metadata.uid })).toEqual([]);
    });

    it('shows a volume where it says it does', async () => {
      const volume = await mkdtemp(join(logs, 'volume-'));
      await writeFile(join(volume, 'file'), 'from the host\n');
      const path = under.runtime.mountsVolumes ? '/data' : '$RAFTSMAN_VOLUME_MY_DATA';
      const { id } = await run(`cat ${path}/file; echo back > ${path}/answer`, {
        mounts: [
          {
            volume: 'my-data',
            containerPath: '/data',
            hostPath: volume,
            readOnly: false,
            propagation: 'None',
          },
        ],
      });
      expect(await output(await ended(id))).toBe('stdout:from the host');
      expect(await readFile(join(volume, 'answer'), 'utf8')).toBe('back\n');
    });

    it('tells who changed when a container ends by itself', async () => {
      const stop = new AbortController();
      const told = new Set<string>();
      under.runtime.watch((podUid) => told.add(podUid), stop.signal);
      const { sandbox } = await run('sleep 0.2');
      await eventually(() => expect([...told]).toContain(sandbox.metadata.uid));
      stop.abort();
    });
  });
}
