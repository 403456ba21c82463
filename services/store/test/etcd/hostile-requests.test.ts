import { status } from '@grpc/grpc-js';
import type { TxnRequest } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { serviceDefinition } from '@raftsman/wire';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { boundsTxn } from '../../src/etcd/bounded-txn.js';
import { etcdLimits } from '../../src/etcd/limits.js';
import { ask, connect } from './asking.js';
import { serveSingleMember, type Serving } from './single-member.js';

const mebibyte = 1024 * 1024;
const bytes = (text: string): Buffer => Buffer.from(text);

/** Each case names the code and the words that etcd answers with (api/v3rpc/rpctypes/error.go). */
describe('a request that cannot be done', () => {
  let serving: Serving;
  let kv: KVClient;
  let lease: LeaseClient;
  let watch: WatchClient;
  beforeAll(async () => {
    serving = await serveSingleMember();
    [kv, lease, watch] = [connect(serving, 'KV'), connect(serving, 'Lease'), connect(serving, 'Watch')];
    for (let at = 0; at < 5; at += 1)
      await ask((done) => kv.put({ key: bytes('k'), value: bytes(String(at)) }, done));
    await ask((done) => kv.compact({ revision: 4 }, done));
  });
  afterAll(async () => {
    for (const client of [kv, lease, watch]) client.close();
    await serving.close();
  });

  const refused = (code: status, details: unknown) => ({ code, details });
  const put = (key: string) => ({ requestPut: { key: bytes(key), value: bytes('x') } });
  const puts = (count: number) => Array.from({ length: count }, (_, at) => put(`t${at}`));

  it('too many operations, in any branch', async () => {
    const tooMany = refused(status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request');
    expect(await ask((done) => kv.txn({ success: puts(129) }, done))).toEqual(tooMany);
    expect(await ask((done) => kv.txn({ failure: puts(129) }, done))).toEqual(tooMany);
    expect(await ask((done) => kv.txn({ success: puts(128) }, done))).toMatchObject({ succeeded: true });
  });

  it('half a million operations, which are refused before they are decoded', async () => {
    const tooMany = refused(status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request');
    const decode = boundsTxn(serviceDefinition('etcd/rpc.proto', 'etcdserverpb.KV'))['Txn']!
      .requestDeserialize;
    const empty = Buffer.alloc(1 << 20, Buffer.of(0x12, 0));
    const within = Buffer.concat([Buffer.of(0x12, 0x84, 0x80, 0x40, 0x22, 0x80, 0x80, 0x40), empty]);
    for (const bytes of [empty, within]) {
      const { success = [] } = decode(bytes) as TxnRequest;
      expect(success.length).toBe(etcdLimits.txnTotalOpsMax + 1);
    }
    const success = Array.from({ length: 100_000 }, () => ({}));
    expect(await ask((done) => kv.txn({ success }, done))).toEqual(tooMany);
  });

  it('one key twice', async () => {
    const duplicate = refused(status.INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request');
    const around = { requestDeleteRange: { key: bytes('a'), rangeEnd: bytes('b') } };
    const within = { requestTxn: { success: [put('a')] } };
    for (const success of [
      [put('a'), put('a')],
      [put('a'), around],
      [put('a'), within],
    ])
      expect(await ask((done) => kv.txn({ success }, done))).toEqual(duplicate);
    // One branch or the other is done.
    expect(await ask((done) => kv.txn({ success: [put('a')], failure: [put('a')] }, done))).toMatchObject({
      succeeded: true,
    });
  });

  it('revisions that are compacted, to come, or below zero', async () => {
    const at = (revision: number | string) => ask((done) => kv.range({ key: bytes('k'), revision }, done));
    const compacted = refused(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted');
    const future = refused(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision');
    expect(await at(3)).toEqual(compacted);
    expect(await at(1_000_000)).toEqual(future);
    expect(await at('9223372036854775807')).toEqual(future);
    expect(await at(-1)).toMatchObject({ count: '1' });
    const compact = (revision: number) => ask((done) => kv.compact({ revision }, done));
    expect(await compact(4)).toEqual(compacted);
    expect(await compact(-1)).toEqual(compacted);
    expect(await compact(1_000_000)).toEqual(future);
    const inTxn = { success: [{ requestRange: { key: bytes('k'), revision: 1_000_000 } }, put('never')] };
    expect(await ask((done) => kv.txn(inTxn, done))).toEqual(future);
    expect(await ask((done) => kv.range({ key: bytes('never') }, done))).toMatchObject({ count: '0' });
  });

  it('leases that are not there', async () => {
    const unknown = refused(status.NOT_FOUND, 'etcdserver: requested lease not found');
    const leased = { key: bytes('k'), value: bytes('x'), lease: 404 };
    expect(await ask((done) => kv.put(leased, done))).toEqual(unknown);
    expect(await ask((done) => kv.txn({ success: [{ requestPut: leased }] }, done))).toEqual(unknown);
    expect(await ask((done) => lease.leaseRevoke({ ID: 404 }, done))).toEqual(unknown);
    expect(await ask((done) => lease.leaseTimeToLive({ ID: 404 }, done))).toMatchObject({ TTL: '-1' });
    expect(await ask((done) => lease.leaseGrant({ ID: 7, TTL: 9_000_000_001 }, done))).toEqual(
      refused(status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'),
    );
  });

  it('of a size beyond the bound, and far beyond', async () => {
    const tooLarge = refused(status.INVALID_ARGUMENT, 'etcdserver: request is too large');
    const of = (size: number) =>
      ask((done) => kv.put({ key: bytes('large'), value: Buffer.alloc(size) }, done));
    expect(await of(1.5 * mebibyte)).toEqual(tooLarge);
    const atTheDoor = await of(3 * mebibyte);
    expect(atTheDoor).toEqual(
      refused(
        status.RESOURCE_EXHAUSTED,
        expect.stringMatching(/^grpc: received message larger than max \(\d+ vs\. 2097152\)$/),
      ),
    );
    const far = await Promise.all(Array.from({ length: 4 }, () => of(40 * mebibyte)));
    for (const each of far) expect(each.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await ask((done) => kv.range({ key: bytes('large') }, done))).toMatchObject({ count: '0' });
  });

  it('watches: an id that is taken or not there, a range that is empty, history that is gone', async () => {
    const stream = watch.watch();
    onTestFinished(() => stream.cancel());
    const received: WatchResponse__Output[] = [];
    let wake = (): void => undefined;
    stream.on('error', () => wake());
    stream.on('data', (response: WatchResponse__Output) => {
      received.push(response);
      wake();
    });
    const next = async (): Promise<WatchResponse__Output> => {
      while (received.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return received.shift()!;
    };
    const create = (request: object) => stream.write({ createRequest: { key: bytes('w'), ...request } });
    create({ watchId: 7 });
    expect(await next()).toMatchObject({ created: true, canceled: false, watchId: '7' });
    create({ watchId: 7 });
    expect(await next()).toMatchObject({
      created: true,
      canceled: true,
      watchId: '-1',
      cancelReason: 'mvcc: duplicate watch ID provided on the WatchStream',
    });
    create({ key: bytes('b'), rangeEnd: bytes('a') });
    expect(await next()).toMatchObject({ canceled: true, cancelReason: 'mvcc: watcher range is empty' });
    create({ watchId: 8, key: bytes('k'), startRevision: 2 });
    expect(await next()).toMatchObject({ created: true, watchId: '8' });
    expect(await next()).toMatchObject({ canceled: true, watchId: '8', compactRevision: '4' });
    // Dead, and never born: etcd says nothing. What is asked next is answered next.
    for (const watchId of [8, 99, -1, '9223372036854775807']) stream.write({ cancelRequest: { watchId } });
    stream.write({ cancelRequest: { watchId: 7 } });
    expect(await next()).toMatchObject({ canceled: true, watchId: '7', compactRevision: '0' });
    expect(serving.stateMachine.watches.size).toBe(0);
  });
});
