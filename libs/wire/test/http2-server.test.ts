import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  ChannelCredentials,
  Client,
  Metadata,
  status,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { flags, frame, frameTypes, settingsFrame, uint32 } from '../src/http2/frames.js';
import { encodeHeaders } from '../src/http2/hpack.js';
import { http2Limits } from '../src/http2/limits.js';
import { createGrpcServer, type GrpcServer } from '../src/index.js';

const mebibyte = 1024 * 1024;
const same = (bytes: Buffer): Buffer => bytes;
const methods = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const definition: ServiceDefinition = {
  Echo: { ...methods, path: '/test.Test/Echo', requestStream: false, responseStream: false },
  Count: { ...methods, path: '/test.Test/Count', requestStream: false, responseStream: true },
  Chat: { ...methods, path: '/test.Test/Chat', requestStream: true, responseStream: true },
};

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Callback = (error: Partial<ServiceError> | null, response?: Buffer, trailer?: Metadata) => void;
interface Handlers {
  readonly Echo?: (call: Unary, callback: Callback) => void;
  readonly Count?: (call: ServerWritableStream<Buffer, Buffer>) => void;
  readonly Chat?: (call: ServerDuplexStream<Buffer, Buffer>) => void;
}
const echo = (call: Unary, callback: Callback): void => callback(null, call.request);

async function serve(handlers: Handlers): Promise<{ server: GrpcServer; port: number }> {
  const service = { protoFile: 'etcd/rpc.proto', definition, implementation: handlers as never };
  const http = (_request: unknown, response: { end(): void }): void => response.end();
  const server = createGrpcServer([service], { http, 'grpc.max_receive_message_length': 4 * mebibyte });
  const port = await server.listen('127.0.0.1:0', 'insecure');
  cleanups.push(() => server.close(0));
  return { server, port };
}

function clientOf(port: number): Client {
  const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), unlimited);
  cleanups.push(() => client.close());
  return client;
}

const ask = (client: Client, request: Buffer, metadata = new Metadata()): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest('/test.Test/Echo', same, same, request, metadata, (error, response) => {
      if (error) reject(error);
      else resolve(response!);
    });
  });

describe('calls of a gRPC client', () => {
  it.each([0, 1, 8_000, 20_000, 300_000, 3 * mebibyte])('echoes %i bytes, many at a time', async (size) => {
    const { port } = await serve({ Echo: echo });
    const client = clientOf(port);
    const bytes = Buffer.alloc(size, 'abc');
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(client, bytes)));
    for (const answer of answers) expect(answer.equals(bytes)).toBe(true);
  });

  it('tells errors, their details in any script, and trailers', async () => {
    const metadata = new Metadata();
    metadata.set('why', 'because');
    metadata.set('raw-bin', Buffer.of(0, 255));
    const { port } = await serve({
      Echo: (_call, callback) => callback({ code: status.NOT_FOUND, details: '100 % größer\n', metadata }),
    });
    const error = await ask(clientOf(port), Buffer.from('x')).catch((reason: ServiceError) => reason);
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: '100 % größer\n' });
    expect((error as ServiceError).metadata.get('why')).toEqual(['because']);
    expect((error as ServiceError).metadata.get('raw-bin')).toEqual([Buffer.of(0, 255)]);
  });

  it('refuses messages beyond the bound and methods that are not there', async () => {
    const { port } = await serve({ Echo: echo });
    const client = clientOf(port);
    await expect(ask(client, Buffer.alloc(4 * mebibyte + 1))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: `grpc: received message larger than max (${4 * mebibyte + 1} vs. ${4 * mebibyte})`,
    });
    const unknown = new Promise((resolve) => {
      client.makeUnaryRequest('/test.Test/Nothing', same, same, Buffer.alloc(0), (error) => resolve(error));
    });
    expect(await unknown).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'unknown method Nothing for service test.Test',
    });
    await expect(ask(client, Buffer.from('still'))).resolves.toEqual(Buffer.from('still'));
  });

  it('hands over metadata of all kinds, again and again on one connection', async () => {
    const seen: Record<string, unknown>[] = [];
    const { port } = await serve({
      Echo: (call, callback) => {
        seen.push(call.metadata.getMap());
        callback(null, call.request);
      },
    });
    const client = clientOf(port);
    const value = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ 019-_=/~!{}')), maxLength: 300 });
    // A name that ends with -bin carries bytes (gRPC over HTTP/2, Custom-Metadata).
    const name = fc.stringMatching(/^x-[a-z0-9]{1,40}$/).filter((text) => !text.endsWith('-bin'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 12 }), async (given) => {
        const metadata = new Metadata();
        for (const [key, text] of Object.entries(given)) metadata.set(key, text);
        await ask(client, Buffer.alloc(0), metadata);
        const trimmed = Object.fromEntries(Object.entries(given).map(([key, text]) => [key, text.trim()]));
        const got = Object.fromEntries(
          Object.entries(seen.at(-1)!)
            .filter(([key]) => key.startsWith('x-'))
            .map(([key, text]) => [key, String(text).trim()]),
        );
        expect(got).toEqual(trimmed);
      }),
      { numRuns: 60 },
    );
  });

  it('streams to a client that reads slowly, and holds back what it does not take', async () => {
    let written = 0;
    const { port } = await serve({
      Count: (call) => {
        const next = (at: number): void => {
          if (at === 400) return void call.end();
          call.write(Buffer.alloc(10_000, at & 0xff), () => {
            written += 1;
            next(at + 1);
          });
        };
        next(0);
      },
    });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const grpc = { ':method': 'POST', ':path': '/test.Test/Count', 'content-type': 'application/grpc' };
    const stream = session.request(grpc);
    stream.end(Buffer.alloc(5));
    await vi.waitFor(() => expect(written).toBeGreaterThan(2), 20_000);
    expect(await settled(() => written)).toBeLessThan(20);
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
    expect(trailers['grpc-status']).toBe('0');
    const all = Buffer.concat(parts);
    expect(all.length).toBe(400 * 10_005);
    for (let at = 0; at < 400; at += 1) expect(all[at * 10_005 + 5]).toBe(at & 0xff);
  });

  it('does not take more than a window from a client whose messages nobody reads', async () => {
    let call: ServerDuplexStream<Buffer, Buffer> | undefined;
    const { port } = await serve({ Chat: (made) => void (call = made) });
    const chat = clientOf(port).makeBidiStreamRequest('/test.Test/Chat', same, same);
    let sent = 0;
    const send = (): void => void chat.write(Buffer.alloc(16_000), () => ((sent += 1), send()));
    send();
    await vi.waitFor(() => expect(sent).toBeGreaterThan(2), 20_000);
    expect((await settled(() => sent)) * 16_000).toBeLessThan(4 * http2Limits.streamWindowBytes);
    let received = 0;
    call!.on('data', () => (received += 1));
    await vi.waitFor(() => expect(received).toBeGreaterThan(100), 20_000);
    chat.on('error', () => undefined);
    chat.cancel();
  });

  it('chats, sees a client cancel, and ends with an error that the handler emits', async () => {
    const cancelled = vi.fn<() => void>();
    const { port } = await serve({
      Chat: (call) => {
        call.on('data', (bytes: Buffer) => {
          if (bytes.length > 0) call.write(bytes);
          else call.emit('error', { code: status.ABORTED, details: 'enough' });
        });
        call.on('cancelled', cancelled);
      },
    });
    const client = clientOf(port);
    const first = client.makeBidiStreamRequest('/test.Test/Chat', same, same);
    first.on('error', () => undefined);
    for (let i = 0; i < 500; i += 1) first.write(Buffer.of(i & 0xff, 1));
    let count = 0;
    first.on('data', () => (count += 1));
    await vi.waitFor(() => expect(count).toBe(500), 20_000);
    first.cancel();
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1), 20_000);
    const second = client.makeBidiStreamRequest('/test.Test/Chat', same, same);
    second.write(Buffer.alloc(0));
    const [error] = (await once(second, 'error')) as [ServiceError];
    expect(error).toMatchObject({ code: status.ABORTED, details: 'enough' });
  });

  it('lets running calls end before it closes, and takes no more', async () => {
    let answer: (() => void) | undefined;
    const { server, port } = await serve({ Echo: (call, callback) => (answer = () => echo(call, callback)) });
    const client = clientOf(port);
    const running = ask(client, Buffer.from('late'));
    await vi.waitFor(() => expect(answer).toBeDefined(), 20_000);
    const closed = server.close(10_000);
    await expect(ask(clientOf(port), Buffer.from('new'))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    answer!();
    await expect(running).resolves.toEqual(Buffer.from('late'));
    await closed;
  });
});

describe('another client of HTTP/2', () => {
  it('sends compressed messages; what is not gRPC is refused', async () => {
    const { port } = await serve({ Echo: echo });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const packed = gzipSync('much '.repeat(1_000));
    const body = Buffer.concat([Buffer.of(1), uint32(packed.length), packed]);
    const grpc = { ':method': 'POST', ':path': '/test.Test/Echo', 'content-type': 'application/grpc' };
    const answer = await exchange(session, { ...grpc, 'grpc-encoding': 'gzip' }, body);
    expect(answer.trailers['grpc-status']).toBe('0');
    expect(answer.body.subarray(5).toString()).toBe('much '.repeat(1_000));
    const unknown = await exchange(session, { ...grpc, 'grpc-encoding': 'snappy' }, body);
    expect(unknown.headers['grpc-status']).toBe(String(status.UNIMPLEMENTED));
    const bomb = gzipSync(Buffer.alloc(64 * mebibyte));
    const bombed = Buffer.concat([Buffer.of(1), uint32(bomb.length), bomb]);
    const refused = await exchange(session, { ...grpc, 'grpc-encoding': 'gzip' }, bombed);
    expect(refused.headers['grpc-status']).toBe(String(status.INTERNAL));
    const page = await exchange(session, { ':method': 'GET', ':path': '/' }, Buffer.alloc(0));
    expect(page.headers[':status']).toBe(415);
  });

  async function exchange(session: ClientHttp2Session, headers: Record<string, string>, body: Buffer) {
    const stream = session.request(headers, { endStream: body.length === 0 });
    const parts: Buffer[] = [];
    let trailers: Record<string, unknown> = {};
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('trailers', (given) => (trailers = given));
    if (body.length > 0) stream.end(body);
    const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
    if (!stream.closed) await once(stream, 'close');
    return { headers: answered, body: Buffer.concat(parts), trailers };
  }
});

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const call = encodeHeaders([
  ':method',
  'POST',
  ':path',
  '/test.Test/Echo',
  'content-type',
  'application/grpc',
]);
const headers = (streamId: number, frameFlags = flags.endHeaders as number): Buffer =>
  frame(frameTypes.headers, frameFlags, streamId, call);

describe('a hostile client', () => {
  const attacks: Record<string, { readonly sends: Buffer; readonly code: number }> = {
    'a frame too large': { sends: frame(frameTypes.data, 0, 1, Buffer.alloc(16_385)), code: 6 },
    'a stream of an even number': { sends: headers(2), code: 1 },
    'data of a stream that was not begun': { sends: frame(frameTypes.data, 0, 1, Buffer.of(1)), code: 1 },
    'a push': { sends: frame(frameTypes.pushPromise, 0, 1, Buffer.alloc(4)), code: 1 },
    'a window that overflows': {
      sends: Buffer.concat([1, 2].map(() => frame(frameTypes.windowUpdate, 0, 0, uint32(2 ** 31 - 1)))),
      code: 3,
    },
    'headers that do not end': {
      sends: Buffer.concat([
        headers(1, 0),
        ...Array.from({ length: 100 }, () => frame(frameTypes.continuation, 0, 1, Buffer.alloc(0))),
      ]),
      code: 11,
    },
    'another frame within headers': { sends: Buffer.concat([headers(1, 0), settingsFrame([])]), code: 1 },
    'garbage instead of headers': {
      sends: frame(frameTypes.headers, flags.endHeaders, 1, Buffer.alloc(40, 0xff)),
      code: 9,
    },
    'headers that grow when they are decoded': {
      sends: frame(
        frameTypes.headers,
        flags.endHeaders,
        1,
        Buffer.concat([
          Buffer.of(0x40),
          Buffer.of(1, 0x61, 0x7f, 0xa1, 0x1e),
          Buffer.alloc(4_000, 'v'),
          Buffer.alloc(12_000, 0x80 | 62),
        ]),
      ),
      code: 9,
    },
    'resets without end': {
      sends: Buffer.concat(
        Array.from({ length: http2Limits.idleFramesMax + 10 }, (_, i) => [
          headers(2 * i + 1),
          frame(frameTypes.resetStream, 0, 2 * i + 1, uint32(8)),
        ]).flat(),
      ),
      code: 11,
    },
    'pings without end': {
      sends: Buffer.concat(
        Array.from({ length: http2Limits.idleFramesMax + 10 }, () =>
          frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
        ),
      ),
      code: 11,
    },
  };

  it.each(Object.entries(attacks))('%s: the connection ends and says why', async (_name, { sends, code }) => {
    const { port } = await serve({ Echo: echo });
    const socket = await open(port);
    const received: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    socket.write(Buffer.concat([preface, settingsFrame([]), sends]));
    await once(socket, 'close');
    expect(goAwayCode(Buffer.concat(received))).toBe(code);
    await expect(ask(clientOf(port), Buffer.from('others'))).resolves.toEqual(Buffer.from('others'));
  });

  it('says anything at all: others are served', async () => {
    const { port } = await serve({ Echo: echo });
    const anyFrame = fc
      .tuple(fc.nat(10), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 60 }))
      .map(([type, frameFlags, streamId, bytes]) => frame(type, frameFlags, streamId, bytes));
    const part = fc.oneof(
      anyFrame,
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(headers(1), headers(3)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
        const socket = await open(port);
        socket.resume();
        socket.end(Buffer.concat([preface, ...parts]));
        await once(socket, 'close');
      }),
      { numRuns: 150 },
    );
    await expect(ask(clientOf(port), Buffer.from('others'))).resolves.toEqual(Buffer.from('others'));
  });

  async function open(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    cleanups.push(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  function goAwayCode(bytes: Buffer): number | undefined {
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
      if (bytes[at + 3] === frameTypes.goAway) return bytes.readUInt32BE(at + 13);
    return undefined;
  }
});

/** What a figure has come to once it has not moved for a while. */
async function settled(figure: () => number): Promise<number> {
  for (let last = -1; ;) {
    if (figure() === last) return last;
    last = figure();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
