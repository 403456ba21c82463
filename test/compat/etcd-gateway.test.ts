import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember } from '../../services/store/test/etcd/single-member.js';
import { startFollower } from './etcd-ours.js';
import { missing, startEtcd, type Peer } from './etcd-peer.js';

const reason = missing();
if (reason !== undefined) console.warn(reason);

/** What a server said over HTTP, with what must differ between two clusters taken out. */
class HttpSession {
  readonly transcript: unknown[] = [];
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** Its status and body, as JSON if it is any. `syntax`: of an error's text only the code is kept: it is that of Go's parser. */
  async post(path: string, body: string | object, syntax = false): Promise<unknown> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await this.#send('POST', path, text);
    const said = parse(await textOf(answer));
    const kept = syntax ? { code: (said as { code?: number }).code } : normalise(said);
    this.transcript.push({
      path,
      text,
      status: answer.statusCode,
      type: answer.headers['content-type'],
      kept,
    });
    return said;
  }

  async get(path: string, method = 'GET'): Promise<void> {
    const answer = await this.#send(method, path, '');
    this.transcript.push({ path, status: answer.statusCode, body: await textOf(answer) });
  }

  /** On a connection of its own: etcd closes some without a word. */
  async #send(method: string, path: string, body: string): Promise<IncomingMessage> {
    const [host, port] = this.address.split(':');
    const sent = request({ host, port, path, method, agent: false });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return answer;
  }

  /** The first `count` lines of an endless answer. */
  async lines(path: string, body: object, count: number): Promise<void> {
    const answer = await this.#send('POST', path, JSON.stringify(body));
    const lines: unknown[] = [];
    let text = '';
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      text += chunk.toString();
      const ended = text.split('\n');
      text = ended.pop()!;
      lines.push(...ended.map((line) => normalise(JSON.parse(line))));
      if (lines.length >= count) break;
    }
    answer.destroy();
    this.transcript.push({ path, status: answer.statusCode, lines });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** One value, or one for each line; or text. */
function parse(text: string): unknown {
  try {
    const values = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    return values.length === 1 ? values[0] : values;
  } catch {
    return text;
  }
}

function normalise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !['cluster_id', 'member_id', 'raft_term'].includes(name))
      .map(([name, inner]) => [name, normalise(inner)]),
  );
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const key = base64('key');

const scripts: Record<string, (s: HttpSession) => Promise<void>> = {
  'keys and values': async (s) => {
    await s.post('/v3/kv/put', { key, value: base64('v1') });
    await s.post('/v3/kv/put', { key, value: base64('\xff\0'), prev_kv: true });
    await s.post('/v3/kv/put', { key, value: base64('v3'), prevKv: true });
    await s.post('/v3beta/kv/range', { key });
    await s.post('/v3/kv/range', { key, range_end: base64('\0'), sort_order: 'DESCEND', sort_target: 'MOD' });
    await s.post('/v3/kv/range', { key, rangeEnd: base64('\0'), sortOrder: 1, limit: '1' });
    await s.post('/v3/kv/range', { key, count_only: true });
    await s.post('/v3/kv/range', { key: base64('absent') });
    await s.post('/v3/kv/range', { key, unknown_field: { a: [1] } });
    await s.post('/v3/kv/range', { key, limit: null });
    await s.post('/v3/kv/range', `  {"key":"${key}"} {"key":"ignored"}`);
    await s.post('/v3/kv/deleterange', { key, prev_kv: true });
    await s.post('/v3/kv/deleterange', { key });
  },

  transactions: async (s) => {
    const one = { key: base64('t'), value: base64('1') };
    await s.post('/v3/kv/txn', {
      compare: [{ key: one.key, result: 'EQUAL', target: 'CREATE', create_revision: '0' }],
      success: [{ request_put: one }, { requestRange: { key: one.key } }],
      failure: [{ request_delete_range: { key: one.key } }],
    });
    await s.post('/v3/kv/txn', {
      compare: [{ key: one.key, result: 0, target: 3, value: base64('2') }],
      success: [{ request_put: one }],
      failure: [
        { request_txn: { success: [{ request_range: { key: one.key } }] } },
        { request_put: { ...one, prev_kv: true } },
        { request_delete_range: { key: base64('none') } },
      ],
    });
    await s.post('/v3/kv/txn', {});
    await s.post('/v3/kv/txn', { success: [{}] });
    await s.post('/v3/kv/txn', { success: [{ request_put: one }, { request_put: one }] });
  },

  'errors of the store': async (s) => {
    await s.post('/v3/kv/range', {});
    await s.post('/v3/kv/range', '');
    await s.post('/v3/kv/put', {});
    await s.post('/v3/kv/range', { key, revision: 99_999 });
    await s.post('/v3/kv/put', { key, lease: '424242' });
    await s.post('/v3/kv/compaction', { revision: '99999' });
    await s.post('/v3/lease/revoke', { ID: 424242 });
    await s.post('/v3/auth/authenticate', { name: 'root', password: 'x' });
    await s.post('/v3/auth/user/get', { name: 'nobody' });
    await s.post('/v3/auth/role/get', { role: 'nobody' });
    await s.post('/v3/kv/put', { key, value: 'A'.repeat(2_200_000) });
  },

  'errors of the request': async (s) => {
    const bad = [
      'garbage',
      '{',
      '{"key"',
      '[]',
      '5',
      '"a"',
      '{"key":5}',
      '{"key":"!!"}',
      '{"key":"a"}',
      '{"key":[]}',
      `{"key":"${key}","limit":"x"}`,
      `{"key":"${key}","limit":1.5}`,
      `{"key":"${key}","limit":true}`,
      `{"key":"${key}","limit":9223372036854775808}`,
      `{"key":"${key}","serializable":"true"}`,
      `{"key":"${key}","limit":{}}`,
      '{"key":"Zm9v",}',
      "{'key':'Zm9v'}",
      '{"key":"Zm9v"',
      '\0\x01\x02',
    ];
    for (const body of bad) await s.post('/v3/kv/range', body, true);
    await s.post('/v3/kv/range', { key, sort_order: 'UPWARDS' });
    await s.post('/v3/kv/txn', '{"compare":{}}', true);
    await s.post('/v3/kv/nothing', {});
    await s.post('/v3/', {});
    await s.get('/v3/kv/range');
    await s.get('/v3/kv/range', 'PUT');
    await s.get('/nothing');
    await s.get('/health', 'POST');
  },

  leases: async (s) => {
    const ID = '7587869324538413825';
    await s.post('/v3/lease/grant', `{"ID":${ID},"TTL":60}`);
    await s.post('/v3/lease/grant', { ID, TTL: '60' });
    await s.post('/v3/kv/put', { key: base64('leased'), lease: ID });
    await s.post('/v3/kv/range', { key: base64('leased') });
    await s.post('/v3/lease/keepalive', { ID });
    await s.post('/v3/lease/keepalive', `{"ID":${ID}}{"ID":"1"}`);
    await s.post('/v3/kv/lease/timetolive', { ID: '1' });
    await s.post('/v3/lease/leases', {});
    await s.post('/v3/kv/lease/leases', {});
    await s.post('/v3/kv/lease/revoke', { ID });
    await s.post('/v3/lease/keepalive', { ID });
    await s.post('/v3/lease/keepalive', '{"bad', true);
  },

  watches: async (s) => {
    const watched = base64('watched');
    for (const value of ['a', 'b']) await s.post('/v3/kv/put', { key: watched, value: base64(value) });
    await s.post('/v3/kv/deleterange', { key: watched });
    const request = { key: watched, start_revision: 1 };
    await s.lines('/v3/watch', { create_request: request }, 2);
    await s.lines('/v3/watch', { createRequest: { ...request, prev_kv: true, filters: ['NOPUT'] } }, 2);
    await s.lines('/v3/watch', { create_request: { key: watched, range_end: base64('a') } }, 1);
  },

  'locks and elections': async (s) => {
    await s.post('/v3/lease/grant', { ID: 77, TTL: 600 });
    const name = base64('name');
    await s.post('/v3/lock/lock', { name, lease: 77 });
    await s.post('/v3/lock/unlock', { key: base64('name/4d') });
    await s.post('/v3/lock/lock', { name, lease: 78 });
    const won = await s.post('/v3/election/campaign', { name, lease: 77, value: base64('me') });
    const { leader } = won as { leader: object };
    await s.post('/v3/election/leader', { name });
    await s.post('/v3/election/proclaim', { leader, value: base64('again') });
    await s.lines('/v3/election/observe', { name }, 1);
    await s.post('/v3/election/resign', { leader });
    await s.post('/v3/election/leader', { name });
    await s.post('/v3/election/resign', {});
  },

  users: async (s) => {
    await s.post('/v3/auth/user/add', { name: 'gateway', password: 'secret' });
    await s.post('/v3/auth/user/add', { name: 'gateway', password: 'secret' });
    await s.post('/v3/auth/role/add', { name: 'reader' });
    const perm = { key, range_end: base64('\0'), permType: 'READ' };
    await s.post('/v3/auth/role/grant', { name: 'reader', perm });
    await s.post('/v3/auth/role/get', { role: 'reader' });
    await s.post('/v3/auth/user/grant', { user: 'gateway', role: 'reader' });
    await s.post('/v3/auth/user/list', {});
    await s.post('/v3/auth/user/get', { name: 'gateway' });
    await s.post('/v3/auth/enable', {});
    await s.post('/v3/auth/user/delete', { name: 'gateway' });
    await s.post('/v3/auth/role/delete', { role: 'reader' });
  },

  'the cluster': async (s) => {
    await s.post('/v3/maintenance/alarm', {});
    await s.post('/v3/maintenance/alarm', { action: 'GET', memberID: '0' });
    await s.post('/v3/maintenance/alarm', { action: 'ACTIVATE', alarm: 'NOSPACE' }, true);
    await s.post('/v3/maintenance/alarm', { action: 'DEACTIVATE', alarm: 'NOSPACE' }, true);
    await s.post('/v3/maintenance/defragment', {});
    await s.post('/v3/cluster/member/list', {}, true);
    await s.post('/v3/maintenance/status', {}, true);
    await s.post('/v3/maintenance/hash', {}, true);
  },
};

describe.skipIf(reason !== undefined).each([
  {
    who: 'the face over a log in memory',
    start: async (): Promise<Peer> => {
      const serving = await serveSingleMember();
      return { address: `127.0.0.1:${serving.port}`, close: () => serving.close() };
    },
  },
  { who: 'a follower among three processes', start: startFollower },
])(`the same JSON to etcd and to $who ${reason ?? ''}`, ({ start }) => {
  let etcd: Peer | undefined;
  let ours: Peer | undefined;

  beforeAll(async () => {
    [etcd, ours] = await Promise.all([startEtcd(), start()]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([etcd?.close(), ours?.close()]);
  });

  it.each(Object.entries(scripts))('%s', async (_, script) => {
    const [theirs, mine] = [new HttpSession(etcd!.address), new HttpSession(ours!.address)];
    await Promise.all([script(theirs), script(mine)]);
    expect(theirs.transcript.length).toBeGreaterThan(0);
    for (const [at, said] of theirs.transcript.entries()) expect(mine.transcript[at]).toEqual(said);
    expect(mine.transcript.length).toBe(theirs.transcript.length);
  });
});
