import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import type { TlsFiles } from '@raftsman/wire';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../../test/support/ports.js';
import { temporaryDirectory, TestCluster } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';

/** A certificate for loopback by an authority of its own, and the authority that it trusts. */
async function tlsFiles(trusted?: TlsFiles): Promise<TlsFiles> {
  const directory = await temporaryDirectory();
  const authority = await createAuthority('peer-ca');
  const pair = await issueCertificate(authority, {
    commonName: 'store',
    ipAddresses: ['127.0.0.1'],
    usages: ['server', 'client'],
  });
  const write = async (name: string, pem: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, pem);
    return path;
  };
  return {
    certFile: await write('peer.crt', pair.certPem),
    keyFile: await write('peer.key', pair.keyPem),
    caFile: trusted?.caFile ?? (await write('ca.crt', authority.certPem)),
  };
}

describe('members among themselves with TLS', () => {
  test('replicate, and a certificate of another authority gets nobody in', async () => {
    const cluster = await TestCluster.create(3, {}, await tlsFiles());
    await cluster.start('m1');
    await cluster.start('m2');
    const leader = await cluster.leader();
    expect(await leader.running.replica.propose(Buffer.from('a=1'))).toBe(1);
    const stranger = await cluster.start('m3', {}, await tlsFiles());
    await leader.running.replica.propose(Buffer.from('b=1'));
    await leader.running.replica.readIndex();
    expect(stranger.running.replica.status()).toMatchObject({ leader: null, commit: 0 });
    await cluster.stop('m3');
    const member = await cluster.start('m3');
    await member.running.replica.readIndex();
    expect(member.stateMachine.history).toEqual(['a=1', 'b=1']);
  });

  test('garbage on the peer port closes that connection and nothing else', async () => {
    const [port] = await freePorts(1);
    const cluster = await TestCluster.create(1, {
      listeners: [{ address: `127.0.0.1:${port}`, security: 'insecure' }],
    });
    const { running } = await cluster.start('m1');
    const closed = new Promise<void>((resolve) => {
      const socket = connect(port!, '127.0.0.1', () =>
        socket.write('\x00\xffGET / HTTP/9.9\r\n'.repeat(1_000)),
      );
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
    await closed;
    await until('a leader', () => running.replica.status().role === 'leader');
    expect(await running.replica.propose(Buffer.from('a=1'))).toBe(1);
  });
});
