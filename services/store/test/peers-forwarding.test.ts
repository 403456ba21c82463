import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { constants, createServer } from 'node:http2';
import { join } from 'node:path';
import type { PeerHandlers } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { memberId } from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import {
  createGrpcServer,
  serviceDefinition,
  status,
  wireLimits,
  type Security,
  type TlsFiles,
} from '@raftsman/wire';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../../test/support/ports.js';
import { until } from '../../../test/support/until.js';
import { peerProto, peerService } from '../src/replica/peers/contract.js';
import { Forwarding } from '../src/replica/peers/forwarding.js';
import { temporaryDirectory } from './replica-fixture.js';

const [self, leader] = [memberId(1), memberId(2)];
const call = { path: '/some.Service/Method', request: Buffer.from('request'), user: '', authRevision: 0 };
const timeoutMs = 20_000;

type Forward = PeerHandlers['Forward'];
const answered: Forward = (_call, answer) => answer(null, { response: Buffer.from('response') });

/** The peer port of a leader that answers so. */
async function listen(port: number, security: Security, forward: Forward) {
  const definition = serviceDefinition(peerProto, peerService);
  const implementation = { Forward: forward };
  const logger = createLogger({ component: 'leader', level: 'silent' });
  const server = createGrpcServer([{ protoFile: peerProto, definition, implementation }], {
    reflection: false,
    logger,
  });
  await server.listen(`127.0.0.1:${port}`, security);
  onTestFinished(() => server.close(0));
  return server;
}

/** A member that asks there, and what it complains of. */
function asking(port: number, security: Security) {
  const logger = createLogger({ component: 'follower', level: 'silent' });
  const warn = vi.spyOn(logger, 'warn');
  const identity = {
    clusterId: 9,
    self,
    name: 'm1',
    clientUrls: [],
    peerUrls: [],
    dataId: 101,
    isRemoved: () => false,
    isMember: () => true,
  };
  const forwarding = new Forwarding(identity, logger);
  onTestFinished(() => forwarding.close());
  const target = { target: `127.0.0.1:${port}`, security };
  const forward = (signal = new AbortController().signal) =>
    forwarding.forward(leader, target, call, timeoutMs, signal);
  return { forward, warn };
}

const response = { kind: 'response', response: Buffer.from('response') };

/** Written anew by each `renew`, by an authority that was never seen before. */
async function renewable() {
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory, name);
  const files: TlsFiles = { certFile: path('crt'), keyFile: path('key'), caFile: path('ca') };
  const renew = async (): Promise<void> => {
    const authority = await createAuthority('peer-ca');
    const { certPem, keyPem } = await issueCertificate(authority, {
      commonName: 'store',
      ipAddresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    });
    await writeFile(files.certFile, certPem);
    await writeFile(files.keyFile, keyPem);
    await writeFile(files.caFile, authority.certPem);
  };
  await renew();
  return { files, renew };
}

describe('the connection for calls to the leader', () => {
  test('is made anew with renewed certificates, while the same member leads', async () => {
    const { files, renew } = await renewable();
    const [port] = await freePorts(1);
    const server = await listen(port!, { ...files }, answered);
    const { forward } = asking(port!, files);
    expect(await forward()).toEqual(response);
    await server.close(0);
    await renew();
    await listen(port!, { ...files }, answered);
    const looks = vi.spyOn(performance, 'now');
    onTestFinished(() => looks.mockRestore());
    looks.mockReturnValue(performance.now() + wireLimits.certificateCheckMs);
    expect(await forward()).toEqual(response);
  });

  test('that breaks is complained of once, not at each attempt', async () => {
    const [port] = await freePorts(1);
    const { forward, warn } = asking(port!, 'insecure');
    for (let attempt = 0; attempt < 3; attempt += 1)
      await expect(forward()).rejects.toMatchObject({ code: 'leader-changed' });
    expect(warn.mock.calls).toEqual([
      [
        { target: `127.0.0.1:${port}`, code: status.UNAVAILABLE, details: expect.any(String) },
        'a call for the leader was not answered',
      ],
    ]);
  });

  test('that was given up is not complained of', async () => {
    const [port] = await freePorts(1);
    let came = 0;
    await listen(port!, 'insecure', () => void (came += 1));
    const { forward, warn } = asking(port!, 'insecure');
    const given = new AbortController();
    const asked = forward(given.signal);
    asked.catch(() => undefined); // Awaited below.
    await until('the call', () => came === 1);
    given.abort();
    await expect(asked).rejects.toMatchObject({ code: 'leader-changed' });
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('a call that ends with a status', () => {
  test.each([status.UNAVAILABLE, status.CANCELLED])('%s broke off', async (code) => {
    const [port] = await freePorts(1);
    await listen(port!, 'insecure', (_call, answer) => answer({ code, details: 'why' }));
    await expect(asking(port!, 'insecure').forward()).rejects.toMatchObject({ code: 'leader-changed' });
  });

  test('that nobody gave, because its stream was torn, broke off', async () => {
    const [port] = await freePorts(1);
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => undefined); // It is meant.
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { forward, warn } = asking(port!, 'insecure');
    await expect(forward()).rejects.toMatchObject({ code: 'leader-changed' });
    expect(warn.mock.calls[0]).toMatchObject([{ code: status.INTERNAL }, expect.any(String)]);
  });

  test('of another kind would end so again: whoever asked is told, and the log once', async () => {
    const [port] = await freePorts(1);
    const refusal = { code: status.FAILED_PRECONDITION, details: 'no member' };
    await listen(port!, 'insecure', (_call, answer) => answer(refusal));
    const { forward, warn } = asking(port!, 'insecure');
    for (let attempt = 0; attempt < 3; attempt += 1)
      await expect(forward()).rejects.toMatchObject({ name: 'ForwardError', ...refusal });
    expect(warn.mock.calls).toEqual([[expect.objectContaining(refusal), expect.any(String)]]);
  });

  test('because the answer is larger than it may be', async () => {
    const [port] = await freePorts(1);
    const large = Buffer.alloc(wireLimits.receiveMessageBytesMax);
    await listen(port!, 'insecure', (_call, answer) => answer(null, { response: large }));
    await expect(asking(port!, 'insecure').forward()).rejects.toMatchObject({
      name: 'ForwardError',
      code: status.RESOURCE_EXHAUSTED,
    });
  });
});
