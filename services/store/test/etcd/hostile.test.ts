import { connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from './single-member.js';

/** What a client can do that our own client libraries would not. */
describe('hostile input', () => {
  let serving: Serving;
  beforeAll(async () => {
    serving = await serveSingleMember();
  });
  afterAll(() => serving.close());

  /** Sends raw bytes as a gRPC message; answers the status. */
  async function send(path: string, message: Buffer): Promise<number> {
    const session = connect(`http://127.0.0.1:${serving.port}`);
    try {
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      let found: number | undefined;
      const look = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] !== undefined) found = Number(headers['grpc-status']);
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.end(Buffer.concat([prefix, message]));
      stream.resume();
      await once(stream, 'close');
      return found ?? status.UNKNOWN;
    } finally {
      session.close();
    }
  }

  /** A transaction in a transaction in a transaction... */
  function nested(depth: number): Buffer {
    const varint = (value: number): number[] =>
      value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
    const prefixes: Buffer[] = [];
    let length = 0;
    for (let level = 0; level < depth; level += 1) {
      const op = Buffer.from([0x22, ...varint(length)]);
      const success = Buffer.from([0x12, ...varint(op.length + length)]);
      prefixes.push(op, success);
      length += op.length + success.length;
    }
    return Buffer.concat(prefixes.reverse());
  }

  it('takes transactions nested as deeply as etcd takes them', async () => {
    expect(await send('/etcdserverpb.KV/Txn', nested(30))).toBe(status.OK);
  });

  it.each([200, 5_000, 100_000])('refuses %d transactions within each other and lives', async (depth) => {
    expect(await send('/etcdserverpb.KV/Txn', nested(depth))).not.toBe(status.OK);
    expect(await send('/etcdserverpb.KV/Range', Buffer.from([0x0a, 1, 0x61]))).toBe(status.OK);
  });

  it('refuses what is no message, on every kind of call', async () => {
    const garbage = Buffer.from('ffffffffffffffffffffff00ff', 'hex');
    const methods = [
      'KV/Range',
      'KV/Put',
      'KV/Txn',
      'Watch/Watch',
      'Lease/LeaseKeepAlive',
      'Maintenance/Snapshot',
    ];
    const answers = await Promise.all(methods.map((method) => send(`/etcdserverpb.${method}`, garbage)));
    expect(answers).not.toContain(status.OK);
    expect(await send('/etcdserverpb.KV/Range', Buffer.from([0x0a, 1, 0x61]))).toBe(status.OK);
  });

  it('closes a connection that does not speak HTTP/2', async () => {
    const socket = connectTcp(serving.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n'.repeat(100));
    socket.resume();
    await once(socket, 'close');
    expect(await send('/etcdserverpb.KV/Range', Buffer.from([0x0a, 1, 0x61]))).toBe(status.OK);
  });
});
