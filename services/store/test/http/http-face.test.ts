import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Client } from '@grpc/grpc-js';
import { clientCredentials } from '@raftsman/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../etcd/single-member.js';
import { until } from '../../../../test/support/until.js';

let serving: Serving;
beforeEach(async () => {
  serving = await serveSingleMember();
});
afterEach(() => serving.close());

const urlOf = (path: string): string => `http://127.0.0.1:${serving.port}${path}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function get(path: string): Promise<readonly [number, string]> {
  const answer = await fetch(urlOf(path));
  return [answer.status, await answer.text()];
}

async function post(path: string, body: object | string, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(urlOf(path), { method: 'POST', body: text, headers });
  return { status: answer.status, body: await answer.text() };
}

/** A call whose answer is not waited for. */
function begin(path: string, body: object) {
  const sent = request(urlOf(path), { method: 'POST', agent: false });
  sent.on('error', () => undefined);
  sent.end(JSON.stringify(body));
  return { response: once(sent, 'response') as Promise<[IncomingMessage]>, leave: () => sent.destroy() };
}

/** grpc.health.v1.Health/Check: 1 is SERVING, 2 is not. */
function grpcHealth(): Promise<number> {
  const client = new Client(`127.0.0.1:${serving.port}`, clientCredentials('insecure'));
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error, bytes) => {
      client.close();
      if (error) reject(error);
      else resolve(bytes![1]!);
    });
  });
}

describe('health', () => {
  it('is good', async () => {
    expect(await get('/health')).toEqual([200, '{"health":"true","reason":""}']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz/linearizable_read')).toEqual([200, 'ok\n']);
    expect(await get('/livez?verbose')).toEqual([200, '[+]serializable_read ok\nok\n']);
    expect(await get('/version')).toEqual([200, '{"etcdserver":"3.5.21","etcdcluster":"3.5.0"}']);
    expect(await grpcHealth()).toBe(1);
  });

  it('is bad without a leader, though the process lives', async () => {
    serving.replica.change({ leader: null, role: 'follower' });
    serving.replica.refusal = 'no-leader';
    expect(await get('/health')).toEqual([503, '{"health":"false","reason":"RAFT NO LEADER"}\n']);
    expect(await get('/health?serializable=true')).toEqual([200, '{"health":"true","reason":""}']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    const [status, text] = await get('/readyz');
    expect(status).toBe(503);
    expect(text).toContain('[-]linearizable_read failed: no-leader');
    expect(await get('/readyz?exclude=linearizable_read')).toEqual([200, 'ok\n']);
    expect(await grpcHealth()).toBe(2);
    serving.replica.change({ leader: serving.replica.status().id, role: 'leader' });
    expect(await grpcHealth()).toBe(1);
  });

  it('is bad when reads are not answered, and under an alarm that is not excluded', async () => {
    serving.replica.refusal = 'timeout';
    expect((await get('/health'))[0]).toBe(503);
    serving.replica.refusal = null;
    await post('/v3/maintenance/alarm', { action: 'ACTIVATE', alarm: 'NOSPACE' });
    expect(await get('/health')).toEqual([503, '{"health":"false","reason":"ALARM NOSPACE"}\n']);
    expect((await get('/health?exclude=NOSPACE'))[0]).toBe(200);
    expect((await get('/readyz'))[0]).toBe(200);
  });

  it.each(['/health/more', '/livez/other', '/readyz/', '/constructor', '/livez/constructor', '/'])(
    'is not at %s',
    async (path) => expect((await get(path))[0]).toBe(404),
  );
});

describe('the JSON gateway', () => {
  it('forgets who leaves: a watch ends, and so does the place in the queue for a lock', async () => {
    const watch = begin('/v3/watch', { create_request: { key: base64('k') } });
    await watch.response;
    await until('the watch', () => serving.stateMachine.watches.size === 1);
    watch.leave();
    await until('its end', () => serving.stateMachine.watches.size === 0);
    await post('/v3/lease/grant', { ID: 1, TTL: 600 });
    await post('/v3/lease/grant', { ID: 2, TTL: 600 });
    await post('/v3/lock/lock', { name: base64('l'), lease: 1 });
    const lock = begin('/v3/lock/lock', { name: base64('l'), lease: 2 });
    lock.response.catch(() => undefined);
    const { index } = serving.stateMachine.store.space;
    await until('the second to wait', () => serving.stateMachine.watches.size > 0);
    lock.leave();
    await until('its key to go', () => index.newest('l/2')?.version === 0);
    expect(serving.stateMachine.watches.size).toBe(0);
  });

  it('lets a slow reader of a large answer wait, and everybody else go on', async () => {
    const value = Buffer.alloc(100_000, 'x').toString('base64');
    for (let at = 0; at < 60; at += 1) await post('/v3/kv/put', { key: base64(`big${at}`), value });
    const slow = begin('/v3/kv/range', { key: base64('big'), range_end: base64('bih') });
    const [answer] = await slow.response;
    for (let at = 0; at < 20; at += 1)
      expect((await post('/v3/kv/put', { key: base64('k') })).status).toBe(200);
    let size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) size += chunk.length;
    expect(size).toBeGreaterThan(60 * value.length);
  });

  it('passes the caller’s token and metadata on', async () => {
    serving.replica.change({ leader: null });
    const needsLeader = { 'grpc-metadata-hasleader': 'true' };
    expect((await post('/v3/kv/range', { key: base64('a'), serializable: true })).status).toBe(200);
    const refused = await post('/v3/kv/range', { key: base64('a'), serializable: true }, needsLeader);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 14, message: 'etcdserver: no leader' });
    expect(refused.status).toBe(503);
  });

  it('takes no request from the page of a site', async () => {
    expect((await post('/v3/kv/put', { key: base64('k') }, { origin: 'http://example.org' })).status).toBe(
      403,
    );
  });

  it('survives what no client would send', async () => {
    const raw = async (text: string): Promise<string> => {
      const socket = connect(serving.port, '127.0.0.1');
      socket.on('error', () => undefined);
      let said = '';
      socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
      socket.end(text, 'latin1');
      await once(socket, 'close');
      return said;
    };
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n`;
    expect(
      await raw(`${head('/v3/kv/range', 2)}Authorization: \xff\xfe\r\nGrpc-Metadata-X: \xe9\r\n\r\n{}`),
    ).toContain('400');
    expect(await raw(`${head('//', 0)}\r\n`)).toContain('404');
    expect(await raw(`${head('http://[', 0)}\r\n`)).toContain('404');
    expect(await raw(`${head('*', 0)}\r\n`)).toContain('404');
    const deep = '{"success":[{"request_txn":'.repeat(5_000);
    expect(await raw(`${head('/v3/kv/txn', deep.length)}\r\n${deep}`)).toContain('max depth');
    expect((await post('/v3/kv/txn', '{"compare":[null]}')).status).toBe(400);
    expect((await post('/v3/kv/put', `{"key":"${'A'.repeat(5_000_000)}"}`)).status).toBe(400);
    // A stream whose second request is none ends with an error, and the process goes on.
    const stream = await post('/v3/lease/keepalive', '{"ID":"1"}{"ID":[]}');
    expect(stream.body).toContain('error');
    expect((await get('/health'))[0]).toBe(200);
  });
});
