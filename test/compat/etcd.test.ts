import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember } from '../../services/store/test/etcd/single-member.js';
import { authScripts } from './etcd-auth-scripts.js';
import { concurrencyScripts } from './etcd-concurrency-scripts.js';
import { startFollower } from './etcd-ours.js';
import { missing, startEtcd, type Peer } from './etcd-peer.js';
import { clusterScripts, scripts } from './etcd-scripts.js';
import { Session } from './etcd-session.js';
import { watchScripts } from './etcd-watch-scripts.js';

const reason = missing();
if (reason !== undefined) console.warn(reason);

async function startSingleMember(): Promise<Peer> {
  const serving = await serveSingleMember();
  return { address: `127.0.0.1:${serving.port}`, close: () => serving.close() };
}

describe.skipIf(reason !== undefined).each([
  {
    who: 'the face over a log in memory',
    start: startSingleMember,
    run: { ...scripts, ...watchScripts, ...concurrencyScripts, ...clusterScripts, ...authScripts },
  },
  {
    who: 'a follower among three processes',
    start: startFollower,
    run: { ...scripts, ...watchScripts, ...concurrencyScripts, ...authScripts },
  },
])(`the same requests to etcd and to $who ${reason ?? ''}`, ({ start, run }) => {
  let etcd: Peer | undefined;
  let ours: Peer | undefined;

  beforeAll(async () => {
    [etcd, ours] = await Promise.all([startEtcd(), start()]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([etcd?.close(), ours?.close()]);
  });

  it.each(Object.entries(run))('%s', async (_, script) => {
    const [theirs, mine] = [new Session(etcd!.address), new Session(ours!.address)];
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
