import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';
import { missing, startEtcd, type Peer } from './etcd-peer.js';
import { scripts } from './etcd-scripts.js';
import { Session } from './etcd-session.js';
import { watchScripts } from './etcd-watch-scripts.js';

const reason = missing();
if (reason !== undefined) console.warn(reason);

describe.skipIf(reason !== undefined)(`the same requests to etcd and to us ${reason ?? ''}`, () => {
  let etcd: Peer;
  let ours: Serving;

  beforeAll(async () => {
    etcd = await startEtcd();
    ours = await serveSingleMember();
  });

  afterAll(async () => {
    await etcd?.close();
    await ours?.close();
  });

  it.each(Object.entries({ ...scripts, ...watchScripts }))('%s', async (_, script) => {
    const [theirs, mine] = [new Session(etcd.address), new Session(`127.0.0.1:${ours.port}`)];
    try {
      await Promise.all([script(theirs), script(mine)]);
      expect(theirs.transcript.length).toBeGreaterThan(0);
      for (const [at, said] of theirs.transcript.entries()) expect(mine.transcript[at]).toEqual(said);
      expect(mine.transcript.length).toBe(theirs.transcript.length);
    } finally {
      theirs.close();
      mine.close();
    }
  });
});
