import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qosClassOf, type Container, type Pod } from '@raftsman/api';
import { describe, expect, it } from 'vitest';
import { parseLabels, parseNodeName, parseRuntimeEndpoint, parseTaints } from '../src/config.js';
import { fieldValue, resourceFieldValue } from '../src/containers/fields.js';
import { expand } from '../src/containers/expansion.js';
import { linuxResources } from '../src/containers/linux-resources.js';
import { registryAuth, registryOf } from '../src/containers/registry-auth.js';
import { backoffUntil, raiseBackoff } from '../src/pods/backoff.js';
import { initialProbeState, nextProbeState, probeTiming } from '../src/probes/probe-state.js';
import { cniConflist } from '../src/runtime/cri/cni.js';
import { decodeContainerStatus } from '../src/runtime/cri/decode.js';
import { changedPods, summarise } from '../src/runtime/cri/relist.js';
import { parseProcStat } from '../src/runtime/process/process-table.js';
import { mayUse } from '../src/server/server.js';
import { isSafePath, writePayload } from '../src/volumes/atomic-writer.js';

describe('$(NAME) references', () => {
  it.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$(B)', '$(B)'],
    ['$$$(A)', '$1'],
    ['a$(A)$(A)b', 'a11b'],
    ['$A $( $', '$A $( $'],
    ['$(A', '$(A'],
    ['$()', '$()'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, new Map([['A', '1']]))).toBe(expected);
  });
});

describe('the crash back-off', () => {
  const limits = { initialMs: 10, maxMs: 300, resetMs: 600 };
  it('lets the first restart through, doubles to its maximum and is forgotten', () => {
    expect(backoffUntil(undefined, 1_000, limits)).toBeUndefined();
    let backoff = raiseBackoff(undefined, 1_000, 1_000, limits);
    const delays = [backoff.delayMs];
    for (let i = 0; i < 6; i += 1) {
      backoff = raiseBackoff(backoff, 1_000 + i, 1_000 + i, limits);
      delays.push(backoff.delayMs);
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(backoffUntil(backoff, 1_100, limits)).toBe(1_400);
    expect(backoffUntil(backoff, 2_000, limits)).toBeUndefined();
    expect(raiseBackoff(backoff, 2_000, 2_000, limits).delayMs).toBe(10);
  });
});

describe('a probe', () => {
  it('turns after as many equal results in a row as its thresholds say', () => {
    const timing = probeTiming({ successThreshold: 2, failureThreshold: 3 });
    const seen: boolean[] = [];
    let state = initialProbeState('readiness');
    for (const passed of [true, false, true, true, false, false, true, false, false, false]) {
      state = nextProbeState(state, passed, timing);
      seen.push(state.passing);
    }
    expect(seen).toEqual([false, false, false, true, true, true, true, true, true, false]);
    expect(probeTiming({})).toEqual({
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1_000,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });
});

describe('resources', () => {
  const pod = (resources: Container['resources']): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {},
    spec: { containers: [{ name: 'c', ...(resources === undefined ? {} : { resources }) }] },
  });
  const made = (resources: Container['resources']) => {
    const of = pod(resources);
    return { qos: qosClassOf(of.spec), ...linuxResources(of, of.spec.containers[0]!, 1_000_000_000) };
  };
  it('become the kernel’s units by kubelet’s rules', () => {
    expect(made(undefined)).toEqual({
      qos: 'BestEffort',
      cpuPeriodUs: 0,
      cpuQuotaUs: 0,
      cpuShares: 2,
      memoryLimitBytes: 0,
      oomScoreAdj: 1_000,
    });
    expect(made({ requests: { cpu: '250m', memory: '100M' } })).toMatchObject({
      qos: 'Burstable',
      cpuShares: 256,
      cpuQuotaUs: 0,
      oomScoreAdj: 900,
    });
    expect(made({ limits: { cpu: '2', memory: '64Mi' } })).toMatchObject({
      qos: 'Guaranteed',
      cpuShares: 2_048,
      cpuQuotaUs: 200_000,
      memoryLimitBytes: 67_108_864,
      oomScoreAdj: -997,
    });
  });
});

describe('what flags take', () => {
  it('is what Kubernetes takes, and anything else is refused', () => {
    expect(parseLabels('a=b,example.org/c=')).toEqual({ a: 'b', 'example.org/c': '' });
    expect(parseTaints('a=b:NoSchedule,c:NoExecute')).toEqual([
      { key: 'a', value: 'b', effect: 'NoSchedule' },
      { key: 'c', effect: 'NoExecute' },
    ]);
    expect(parseRuntimeEndpoint('process')).toBe('process');
    for (const bad of [
      () => parseLabels('a=b=c'),
      () => parseLabels('-a=b'),
      () => parseTaints('a=b'),
      () => parseTaints('a=b:Never'),
      () => parseRuntimeEndpoint('tcp://1.2.3.4'),
      () => parseNodeName('Upper_Case'),
    ])
      expect(bad).toThrow(/expected/);
  });
});

describe('small things', () => {
  it('a volume’s files change all at once, and only when they differ', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'raftsman-volume-'));
    const payload = (text: string) =>
      new Map([
        ['a', { data: Buffer.from(text), mode: 0o600 }],
        ['dir/b', { data: Buffer.from('b'), mode: 0o644 }],
      ]);
    await writePayload(directory, payload('1'));
    const first = await readlink(join(directory, '..data'));
    await writePayload(directory, payload('1'));
    expect(await readlink(join(directory, '..data'))).toBe(first);
    await writePayload(directory, new Map([['a', { data: Buffer.from('2'), mode: 0o600 }]]));
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('2');
    expect((await readdir(directory)).filter((name) => !name.startsWith('..'))).toEqual(['a']);
    expect((await readdir(directory)).length).toBe(3);
    await rm(directory, { recursive: true });
    for (const path of ['../x', '/x', 'a/../../x', '', '..data'])
      expect([path, isSafePath(path)]).toEqual([path, false]);
    expect(isSafePath('a/b')).toBe(true);
  });
  it('finds the credentials of an image’s registry', () => {
    const config = JSON.stringify({
      auths: { 'https://r.example:5000/v2/': { auth: Buffer.from('me:pa:ss').toString('base64') } },
    });
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {},
      data: { '.dockerconfigjson': Buffer.from(config).toString('base64') },
    };
    expect(registryAuth(secret, 'r.example:5000/app:1')).toMatchObject({ username: 'me', password: 'pa:ss' });
    expect(registryAuth(secret, 'other/app')).toBeUndefined();
    expect(['busybox', 'library/busybox', 'localhost/x', 'a.b/c'].map(registryOf)).toEqual([
      'docker.io',
      'docker.io',
      'localhost',
      'a.b',
    ]);
    expect(
      registryAuth({ ...secret, data: { '.dockerconfigjson': 'bm90IGpzb24=' } }, 'a.b/c'),
    ).toBeUndefined();
  });
  it('lets only masters and the apiserver in', () => {
    const subject = (O: string | string[], CN: string) => ({ subject: { O, CN } as never });
    expect(mayUse(subject(['a', 'system:masters'], 'admin'))).toBe(true);
    expect(mayUse(subject('x', 'system:kube-apiserver'))).toBe(true);
    expect(mayUse(subject('system:nodes', 'system:node:n2'))).toBe(false);
    expect(mayUse({ subject: undefined as never })).toBe(false);
  });
  it('sees which pods changed between two looks at a runtime', () => {
    const sandbox = (uid: string, ready: boolean) =>
      ({ id: `s-${uid}`, ready, labels: { 'io.kubernetes.pod.uid': uid } }) as never;
    const before = summarise([sandbox('a', true), sandbox('b', true), sandbox('c', true)], []);
    const after = summarise([sandbox('a', true), sandbox('b', false), sandbox('d', true)], []);
    expect(changedPods(before, after).toSorted()).toEqual(['b', 'c', 'd']);
  });
  it('reads a process whose name holds anything', () => {
    const text = `7 (a) b ( c) S 1 7 9 ${'0 '.repeat(15)}4242 0`;
    expect(parseProcStat(text)).toEqual({ pid: 7, state: 'S', parentPid: 1, sessionId: 9, startTicks: 4242 });
    expect(parseProcStat('garbage')).toBeUndefined();
  });
  it('writes a CNI configuration that has the block', () => {
    const conflist = JSON.parse(cniConflist({ podCidr: '10.9.0.0/24', dataDir: '/d' })) as {
      plugins: unknown[];
    };
    expect(conflist.plugins[0]).toMatchObject({
      type: 'ptp',
      ipam: { dataDir: '/d', ranges: [[{ subnet: '10.9.0.0/24' }]] },
    });
  });
});

describe('the downward API', () => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { b: '2', a: 'x"y' } },
    spec: {
      containers: [{ name: 'c', resources: { limits: { cpu: '1500m' }, requests: { memory: '10Mi' } } }],
    },
  };
  const facts = {
    nodeName: 'n',
    hostIp: '1.1.1.1',
    podIps: ['2.2.2.2'],
    allocatable: { cpu: 4, memory: 1e9 },
  };
  it.each([
    ['metadata.name', 'p'],
    ["metadata.labels['b']", '2'],
    ["metadata.labels['none']", ''],
    ['metadata.labels', 'a="x\\"y"\nb="2"'],
    ['spec.nodeName', 'n'],
    ['status.podIP', '2.2.2.2'],
  ])('%s is %j', (path, value) => expect(fieldValue(pod, path, facts)).toBe(value));
  it.each([
    [{ resource: 'limits.cpu' }, '2'],
    [{ resource: 'limits.cpu', divisor: '1m' }, '1500'],
    [{ resource: 'requests.memory', divisor: '1Mi' }, '10'],
    [{ resource: 'limits.memory' }, '1000000000'],
    [{ resource: 'limits.cpu', containerName: 'c', divisor: '0' }, '2'],
  ])('%j is %s', (selector, value) =>
    expect(resourceFieldValue(pod, pod.spec.containers[0], selector, facts)).toBe(value),
  );
  it('refuses what it does not have', () => {
    expect(() => fieldValue(pod, 'spec.secret', facts)).toThrow(/unsupported fieldPath/);
    expect(() =>
      resourceFieldValue(pod, undefined, { resource: 'limits.cpu', containerName: 'x' }, facts),
    ).toThrow(/unsupported/);
  });
});

describe('the times of a container', () => {
  const decoded = (startedAt: string, finishedAt: string): readonly number[] => {
    const empty = { id: '', metadata: null, state: 'CONTAINER_EXITED', createdAt: '0', labels: {} } as const;
    const wire = { ...empty, annotations: {}, image: null, imageRef: '', exitCode: 0, reason: '' };
    const status = { ...wire, message: '', logPath: '', startedAt, finishedAt };
    const { startedAtMs, finishedAtMs } = decodeContainerStatus(status as never, 'sandbox');
    return [startedAtMs, finishedAtMs];
  };
  it.each([
    ['none', '0', '0', [0, 0]],
    ['one that runs', '5000000', '0', [5, 0]],
    ['one that has ended', '5000000', '7999999', [5, 7]],
    ['one that had ended when its start was noted', '5000000', '4900000', [5, 5]],
    ['one that never began', '0', '4000000', [0, 4]],
  ])('of %s', (_name, startedAt, finishedAt, expected) => {
    expect(decoded(startedAt, finishedAt)).toEqual(expected);
  });
});
