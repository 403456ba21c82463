import { Writable } from 'node:stream';
import { Server, ServerCredentials, status, type ClientReadableStream } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clientCredentials,
  createGrpcServer,
  loadService,
  wireLimits,
  type GrpcServer,
} from '../src/index.js';
import { Health } from '../src/standard/health.js';

interface Client {
  close(): void;
  readonly [method: string]: Function;
}
interface Response {
  readonly status: string;
}

const soon = { timeout: 30_000 };
const servers: Record<string, GrpcServer> = {};
const ports: Record<string, number> = {};
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  const theirs = new Server();
  new HealthImplementation({ '': 'SERVING', 'a.Service': 'NOT_SERVING' }).addToServer(theirs);
  ports['theirs'] = await new Promise<number>((resolve, reject) =>
    theirs.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  closers.push(() => theirs.forceShutdown());
  servers['shared'] = createGrpcServer([], { http: () => undefined });
  servers['own'] = createGrpcServer([]);
  for (const [name, server] of Object.entries(servers)) {
    server.setServing('a.Service', false);
    ports[name] = await server.listen('127.0.0.1:0', 'insecure');
    closers.push(() => server.close(0));
  }
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Its messages are read and written by the contract. */
function connect(server: string): Client {
  const Service = loadService('grpc/health/v1/health.proto', 'grpc.health.v1.Health');
  const client = new Service(`127.0.0.1:${ports[server]}`, clientCredentials('insecure'));
  closers.push(() => client.close());
  return client as unknown as Client;
}

function call(server: string, method: 'Check' | 'List', request: object): Promise<unknown> {
  const client = connect(server);
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 60_000;
    client[method]!(request, { deadline }, (error: Error | null, response: unknown) =>
      error ? reject(error) : resolve(response),
    );
  });
}

function watch(server: string, service: string) {
  const stream = connect(server)['Watch']!({ service }) as ClientReadableStream<Response>;
  const told: string[] = [];
  stream.on('data', (response: Response) => told.push(response.status));
  stream.on('error', (error: { code: number }) => told.push(`ended: ${error.code}`));
  return { stream, told };
}

describe.each(['shared', 'own'])('health of a server on %s ports', (server) => {
  it.each([
    ['Check', {}],
    ['Check', { service: 'a.Service' }],
    ['List', {}],
  ] as const)("is told as by grpc-js' own service: %s %j", async (method, request) => {
    expect(await call(server, method, request)).toEqual(await call('theirs', method, request));
  });

  it('is not known of other services, which is said as etcd says it', async () => {
    const failed = call(server, 'Check', { service: 'unknown' });
    await expect(failed).rejects.toMatchObject({ code: status.NOT_FOUND, details: 'unknown service' });
    await expect(call('theirs', 'Check', { service: 'unknown' })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  it('is told to who watches, when it changes', async () => {
    const { stream, told } = watch(server, '');
    const other = watch(server, 'a.Service');
    await expect.poll(() => told, soon).toEqual(['SERVING']);
    servers[server]!.setServing('', false);
    await expect.poll(() => told, soon).toEqual(['SERVING', 'NOT_SERVING']);
    servers[server]!.setServing('', false);
    servers[server]!.setServing('', true);
    await expect.poll(() => told, soon).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
    await expect.poll(() => other.told, soon).toEqual(['NOT_SERVING']);
    stream.cancel();
    await expect
      .poll(() => told, soon)
      .toEqual(['SERVING', 'NOT_SERVING', 'SERVING', `ended: ${status.CANCELLED}`]);
    other.stream.cancel();
  });

  it('is told to who watches a service that is known later', async () => {
    const service = `later.${server}`;
    const { stream, told } = watch(server, service);
    await expect.poll(() => told, soon).toEqual(['SERVICE_UNKNOWN']);
    servers[server]!.setServing(service, true);
    await expect.poll(() => told, soon).toEqual(['SERVICE_UNKNOWN', 'SERVING']);
    stream.cancel();
  });

  it('is not asked by names without end', async () => {
    const service = 'x'.repeat(wireLimits.standardRequestBytesMax);
    const refused = {
      code: status.RESOURCE_EXHAUSTED,
      details: 'grpc: received message larger than max (4096)',
    };
    await expect(call(server, 'Check', { service })).rejects.toMatchObject(refused);
    const { told } = watch(server, service);
    await expect.poll(() => told, soon).toEqual([`ended: ${status.RESOURCE_EXHAUSTED}`]);
  });
});

describe('who watches health', () => {
  /** The server's side of a call whose client takes a message when it is told to. */
  function openCall(health: Health) {
    const taken: (() => void)[] = [];
    const told: number[] = [];
    const stream = new Writable({
      objectMode: true,
      write: (bytes: Buffer, _encoding, done) => {
        told.push(bytes[1]!);
        taken.push(done);
      },
    });
    const watched = Object.assign(stream, { request: Buffer.alloc(0) });
    (health.service.implementation['Watch'] as unknown as (call: Writable) => void)(watched);
    return { stream, taken, told };
  }

  it('and takes no message is kept none but the newest', async () => {
    const health = new Health();
    const { stream, taken, told } = openCall(health);
    for (let count = 0; count < 101; count += 1) health.set('', count % 2 === 0 ? 'NOT_SERVING' : 'SERVING');
    expect(told).toEqual([1]);
    expect(stream.writableLength).toBe(1);
    taken[0]!();
    await expect.poll(() => told, soon).toEqual([1, 2]);
    taken[1]!();
    await expect.poll(() => stream.writableLength, soon).toBe(0);
    expect(told).toEqual([1, 2]);
  });

  it.each(['cancelled', 'close'])('is forgotten: %s', (event) => {
    const health = new Health();
    const { stream, told } = openCall(health);
    stream.emit(event);
    health.set('', 'NOT_SERVING');
    expect(told).toEqual([1]);
    expect(stream.writableLength).toBe(1);
  });

  it('is bounded by what a server tells of', () => {
    const health = new Health();
    for (let count = 1; count < wireLimits.healthServicesMax; count += 1) health.set(`s${count}`, 'SERVING');
    expect(() => health.set('one too many', 'SERVING')).toThrow('more services than health tells of');
  });
});
