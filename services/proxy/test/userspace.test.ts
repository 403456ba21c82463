import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '@raftsman/telemetry';
import type { ServicePort } from '../src/service-table.js';
import { createUserspaceBackend } from '../src/userspace.js';

const logger = createLogger({ component: 'test', level: 'silent' });
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function echoServer(greeting: string, address: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(greeting)).listen(
    0,
    address,
  );
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function ask(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(port, address)
      .on('data', (chunk: Buffer) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve(text));
  });
}

const port = (number: number, endpoints: ServicePort['endpoints']): ServicePort => ({
  name: 'default/web:http',
  clusterIPs: ['127.96.3.4'],
  protocol: 'TCP',
  port: number,
  nodePort: 0,
  clientIPAffinitySeconds: null,
  endpoints,
});

describe('userspace proxy', () => {
  it('spreads over the endpoints, goes round a dead one, and follows changes', async () => {
    const a = await echoServer('a', '127.1.0.2');
    const b = await echoServer('b', '127.1.1.2');
    const number = await echoServer('unused', '127.0.0.1');
    const backend = createUserspaceBackend(logger);
    await backend.sync([
      port(number, [
        { address: '127.1.0.2', port: a },
        { address: '127.1.1.2', port: b },
        { address: '127.1.2.2', port: 1 },
      ]),
    ]);
    const answers = new Set<string>();
    for (let i = 0; i < 9; i++) answers.add(await ask('127.96.3.4', number));
    expect(answers).toEqual(new Set(['a', 'b']));

    await backend.sync([port(number, [{ address: '127.1.1.2', port: b }])]);
    for (let i = 0; i < 3; i++) expect(await ask('127.96.3.4', number)).toBe('b');

    await backend.sync([port(number, [])]);
    await expect(ask('127.96.3.4', number)).rejects.toThrow('ECONNRESET');
    await backend.sync([]);
    await expect(ask('127.96.3.4', number)).rejects.toThrow('ECONNREFUSED');
    await backend.close();
  });

  it('takes an address over when the proxy that had it is gone', async () => {
    const a = await echoServer('a', '127.1.0.2');
    const number = await echoServer('unused', '127.0.0.1');
    const [first, second] = [createUserspaceBackend(logger), createUserspaceBackend(logger)];
    const ports = [port(number, [{ address: '127.1.0.2', port: a }])];
    await first.sync(ports);
    await second.sync(ports);
    expect(await ask('127.96.3.4', number)).toBe('a');
    await first.close();
    await vi.waitFor(async () => expect(await ask('127.96.3.4', number)).toBe('a'), { timeout: 20_000 });
    await second.close();
  });
});
