import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { initCommand } from '../src/commands/init.js';

const config = `
name: lab
kind: machines
gateway: { address: 10.1.2.10 }
masters: [{ name: master-1, address: 10.1.2.11 }, { name: master-2, address: 10.1.2.12 }]
workers: [{ name: pi, address: 10.1.2.21 }]
`;

describe('raftsman init', () => {
  const root = mkdtempSync(join(tmpdir(), 'init-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('gives each machine its own keys and nobody the authorities’', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    writeFileSync(join(root, 'lab.yaml'), config);
    const state = join(root, 'state');
    await initCommand().parseAsync(
      [`--config=${join(root, 'lab.yaml')}`, `--state-dir=${state}`, '--install-dir=/srv/raftsman'],
      { from: 'user' },
    );
    const archive = (machine: string): string => join(state, 'machines', `${machine}.tar.gz`);
    const keys = (machine: string): readonly string[] =>
      execFileSync('tar', ['-tzf', archive(machine)], { encoding: 'utf8' })
        .split('\n')
        .filter((path) => path.endsWith('.key'))
        .map((path) => path.replace('./pki/', ''))
        .sort();
    expect(keys('pi')).toEqual(['pi.key', 'proxy.key']);
    expect(keys('gateway')).toEqual([]);
    expect(keys('master-1')).toEqual(
      expect.arrayContaining(['peer-master-1.key', 'store-master-1.key']) as unknown,
    );
    expect(keys('master-1').filter((name) => /master-2|^pi\.|admin|-ca\./.test(name))).toEqual([]);
    expect(statSync(archive('pi')).mode & 0o777).toBe(0o600);

    execFileSync('tar', ['-C', root, '-xzf', archive('master-2')]);
    const nats = readFileSync(join(root, 'conf', 'nats-master-2.conf'), 'utf8');
    expect(nats).toContain('/srv/raftsman/pki/nats-master-2.key');
    expect(nats).toContain('nats-route://10.1.2.11:6222');
  });
});
