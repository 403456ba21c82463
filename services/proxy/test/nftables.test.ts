import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nftRuleset } from '../src/nft-ruleset.js';
import type { ServicePort } from '../src/service-table.js';

const able = process.getuid?.() === 0 && existsSync('/usr/sbin/nft') && existsSync('/usr/sbin/ip');
if (!able) console.warn('SKIPPED: nftables rules need root, and the Debian packages nftables and iproute2');

const netns = `rm-proxy-${process.pid}`;
const inside = (...words: readonly string[]): readonly string[] => [`--net=/run/netns/${netns}`, ...words];

function run(words: readonly string[], input?: string): string {
  const [command, ...args] = words;
  const result = spawnSync(command!, args, { input, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${words.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
const nsenter = (...words: readonly string[]): string => run(['nsenter', ...inside(...words)]);

const answerer = `require('node:net').createServer((s) => s.end(process.argv[1] + ' ' + s.remoteAddress)).listen(8080, process.argv[1], () => console.log('up'))`;
const asker = `let t='';require('node:net').connect(+process.argv[2], process.argv[1]).on('data', (d) => t += d).on('error', (e) => { console.log(e.code) }).on('close', () => console.log(t))`;

const port = (rest: Partial<ServicePort>): ServicePort => ({
  name: 'default/web:http',
  clusterIPs: ['10.96.0.7'],
  protocol: 'TCP',
  port: 80,
  nodePort: 0,
  clientIPAffinitySeconds: null,
  endpoints: [],
  ...rest,
});

describe.skipIf(!able)('nftables rules in a namespace of their own', () => {
  const children: ChildProcess[] = [];
  const pods = ['10.244.0.2', '10.244.0.3'];
  const apply = (...ports: readonly ServicePort[]): string =>
    run(['nsenter', ...inside('nft', '-f', '-')], nftRuleset(ports, '10.244.0.0/16'));
  const ask = (address: string, number: number): string =>
    nsenter(process.execPath, '-e', asker, address, String(number)).trim();
  const endpoints = pods.map((address) => ({ address, port: 8080 }));

  beforeAll(async () => {
    run(['ip', 'netns', 'add', netns]);
    nsenter('ip', 'link', 'set', 'lo', 'up');
    nsenter('ip', 'link', 'add', 'pods', 'type', 'bridge');
    nsenter('ip', 'link', 'set', 'pods', 'up');
    for (const pod of [...pods, '10.77.0.1']) nsenter('ip', 'address', 'add', `${pod}/24`, 'dev', 'pods');
    nsenter('ip', 'route', 'add', 'default', 'dev', 'pods');
    for (const pod of pods) {
      const child = spawn('nsenter', inside(process.execPath, '-e', answerer, pod), {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      await new Promise((resolve) => child.stdout!.once('data', resolve));
    }
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    run(['ip', 'netns', 'delete', netns]);
  });

  it('sends a Service address to every endpoint', () => {
    apply(port({ endpoints }));
    const answers = new Set<string | undefined>();
    // Each is drawn by lot.
    for (let turn = 0; turn < 60 && answers.size < pods.length; turn += 1)
      answers.add(ask('10.96.0.7', 80).split(' ')[0]);
    expect(answers).toEqual(new Set(pods));
  });

  it('keeps a client at its endpoint when the Service asks for it', () => {
    apply(port({ endpoints, clientIPAffinitySeconds: 60 }));
    const answers = new Set(Array.from({ length: 10 }, () => ask('10.96.0.7', 80).split(' ')[0]));
    expect(answers.size).toBe(1);
  });

  it('rejects a Service without endpoints at once, and forgets one that is gone', () => {
    apply(port({}));
    expect(ask('10.96.0.7', 80)).toBe('ECONNREFUSED');
    apply(port({ endpoints, clusterIPs: ['10.96.0.8'] }));
    expect(nsenter('nft', 'list', 'ruleset')).not.toContain('10.96.0.7');
  });

  it("serves a node port on the machine's own address", () => {
    apply(port({ endpoints, nodePort: 30_080 }));
    expect(pods).toContain(ask('10.77.0.1', 30_080).split(' ')[0]);
  });

  it('takes UDP and many Services in one transaction', () => {
    const many = Array.from({ length: 500 }, (_, i) =>
      port({
        name: `default/s${i}:p`,
        clusterIPs: [`10.96.${i >> 8}.${i & 255}`],
        protocol: i % 2 ? 'UDP' : 'TCP',
        endpoints,
      }),
    );
    apply(...many);
    expect(nsenter('nft', 'list', 'map', 'ip', 'raftsman-proxy', 'service-ips')).toContain(
      '10.96.1.243 . udp . 80',
    );
    apply();
    expect(nsenter('nft', 'list', 'ruleset')).not.toContain('svc-0');
  });
});
