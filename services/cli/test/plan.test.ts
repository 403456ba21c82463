import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseClusterConfig } from '@raftsman/config';
import { apiserverFlags, storeFlags } from '../src/cluster/flags.js';
import { clusterMembers, natsConfFile, type ClusterAt } from '../src/cluster/members.js';
import { certFile, keyFile, statePaths } from '../src/cluster/paths.js';
import { prepareState } from '../src/cluster/prepare.js';
import { freePort } from '../../../test/support/ports.js';

const natsServer = ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find((path) => existsSync(path));
if (natsServer === undefined)
  console.warn('SKIPPED: no nats-server on this machine (Debian package nats-server)');

describe('the plan of a cluster', () => {
  const root = mkdtempSync(join(tmpdir(), 'plan-'));
  let at: ClusterAt;

  beforeAll(async () => {
    const text = `
name: plan
kind: local
runtime: process
gateway: { address: 127.0.0.1 }
nats: { address: 127.0.0.1, port: ${await freePort()} }
masters: [{ name: master-1, address: 127.0.0.1 }, { name: master-2, address: 127.0.0.1, storePeerPort: 2381 }]
workers: [{ name: worker-1, address: 127.0.0.1 }, { name: worker-2, address: 127.0.0.1 }]
`;
    at = {
      cluster: parseClusterConfig(text, 'test'),
      configFile: join(root, 'cluster.yaml'),
      paths: statePaths(root),
    };
    await prepareState(at);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('gives every store the same initial cluster and its own identity', () => {
    const [first, second] = at.cluster.masters.map((master) =>
      storeFlags(at.cluster, master, at.paths, 'new'),
    );
    const initial = '--initial-cluster=master-1=https://127.0.0.1:2380,master-2=https://127.0.0.1:2381';
    expect(first).toContain(initial);
    expect(second).toContain(initial);
    expect(first).toContain('--name=master-1');
    expect(first).toContain(`--trusted-ca-file=${join(root, 'pki', 'etcd-ca.crt')}`);
  });

  it('lets API certificates into the API and not into the store', () => {
    const flags = apiserverFlags(at.cluster, at.cluster.masters[0]!, at.paths);
    expect(flags).toContain(`--client-ca-file=${join(root, 'pki', 'api-ca.crt')}`);
    expect(flags).toContain(`--etcd-certfile=${join(root, 'pki', 'apiserver-etcd-client.crt')}`);
  });

  it('starts NATS first and the workers last', () => {
    expect(clusterMembers(at).map(({ member }) => member)).toEqual([
      'nats',
      'master-1',
      'master-2',
      'gateway',
      'worker-1',
      'worker-2',
    ]);
  });

  it('leaves a kubeconfig that is complete and private, and changes nothing when repeated', async () => {
    const before = readFileSync(at.paths.kubeconfig, 'utf8');
    await prepareState(at);
    expect(readFileSync(at.paths.kubeconfig, 'utf8')).toBe(before);
    expect(statSync(at.paths.kubeconfig).mode & 0o777).toBe(0o600);
    expect(parse(before)).toMatchObject({
      clusters: [{ cluster: { server: 'https://127.0.0.1:6443' } }],
      'current-context': 'admin@plan',
    });
  });

  describe.skipIf(natsServer === undefined)('its NATS', () => {
    const abort = new AbortController();
    const open = (identity: string): Promise<NatsConnection> =>
      connect({
        servers: `127.0.0.1:${at.cluster.nats!.port}`,
        tls: {
          certFile: certFile(at.paths, identity),
          keyFile: keyFile(at.paths, identity),
          caFile: certFile(at.paths, 'ca'),
        },
        reconnect: false,
      });
    /** What `ear` hears when `identity` publishes on `subject`; a beat of `fence`, which it must hear, comes after it. */
    const heard = async (
      identity: string,
      subject: string,
      ear = 'controller-manager',
      listening = 'raftsman.hb.*',
      fence: readonly [identity: string, subject: string] = ['worker-2', 'raftsman.hb.worker-2'],
    ): Promise<readonly string[]> => {
      const [controller, speaker, last] = await Promise.all([open(ear), open(identity), open(fence[0])]);
      const heardOf: string[] = [];
      controller.subscribe(listening, {
        callback: (_, message) => void heardOf.push(`${message.subject} ${message.string()}`),
      });
      await controller.flush();
      speaker.publish(subject, 'x');
      await speaker.flush();
      last.publish(fence[1], 'fence');
      await vi.waitFor(() => expect(heardOf.at(-1)).toBe(`${fence[1]} fence`), 20_000);
      await Promise.all([controller, speaker, last].map((connection) => connection.close()));
      return heardOf.slice(0, -1).map((line) => line.split(' ')[0]!);
    };

    beforeAll(async () => {
      const child = spawn(natsServer!, ['-c', natsConfFile(at.paths, 'cluster')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      abort.signal.addEventListener('abort', () => child.kill('SIGKILL'));
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await vi.waitFor(() => expect(log).toContain('Server is ready'), { timeout: 20_000 });
    });
    afterAll(() => abort.abort());

    it("takes a node's own beats", async () => {
      expect(await heard('worker-1', 'raftsman.hb.worker-1')).toEqual(['raftsman.hb.worker-1']);
    });
    it('refuses a node that speaks for another', async () => {
      expect(await heard('worker-1', 'raftsman.hb.worker-2')).toEqual([]);
    });
    it('refuses a controller that would beat', async () => {
      expect(await heard('controller-manager', 'raftsman.hb.worker-1')).toEqual([]);
    });
    it.each(['scheduler', 'controller-manager'])(
      'lets the %s speak and listen for its own Lease only',
      async (identity) => {
        const other = identity === 'scheduler' ? 'controller-manager' : 'scheduler';
        const subject = `raftsman.leader.kube-${identity}`;
        const hears = (speaker: string): Promise<readonly string[]> =>
          heard(speaker, subject, identity, subject, [identity, subject]);
        expect(await hears(identity)).toEqual([subject]);
        expect(await hears(other)).toEqual([]);
        expect(await hears('worker-1')).toEqual([]);
        const refused = await open(other);
        const error = await new Promise((resolve) => {
          refused.subscribe(subject, { callback: (reason) => reason !== null && resolve(reason) });
        });
        expect(String(error)).toMatch(/permissions violation/i);
        await refused.close();
      },
    );
    it('lets nobody in whose certificate it does not know', async () => {
      await expect(open('admin')).rejects.toThrow(/authorization/i);
    });
    it('lets nobody in whose certificate another authority signed', async () => {
      writeFileSync(certFile(at.paths, 'stranger'), readFileSync(certFile(at.paths, 'etcd-client')));
      writeFileSync(keyFile(at.paths, 'stranger'), readFileSync(keyFile(at.paths, 'etcd-client')));
      await expect(open('stranger')).rejects.toThrow(/\S/);
    });
  });
});
