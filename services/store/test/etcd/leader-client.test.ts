import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Metadata, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { createAuthority, issueCertificate } from '@raftsman/pki';
import { createLogger } from '@raftsman/telemetry';
import { createGrpcServer, serviceDefinition, wireLimits } from '@raftsman/wire';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { createStateMachine, defaultEtcdFaceConfig } from '../../src/etcd/index.js';
import { LeaderClient } from '../../src/etcd/leader-client.js';
import { temporaryDirectory } from '../replica-fixture.js';
import { SingleMember } from './single-member.js';

afterEach(() => {
  vi.useRealTimers();
});

/** A leader that remembers with which certificates it was asked. */
async function leaderOf(files: {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}) {
  const serials: unknown[] = [];
  const MemberList = (call: ServerUnaryCall<unknown, object>, answer: sendUnaryData<object>): void => {
    serials.push(call.getAuthContext().sslPeerCertificate?.serialNumber);
    answer(null, {});
  };
  const definition = serviceDefinition('etcd/rpc.proto', 'etcdserverpb.Cluster');
  const services = [{ protoFile: 'etcd/rpc.proto', definition, implementation: { MemberList } }];
  const server = createGrpcServer(services, { http: () => undefined });
  const port = await server.listen('127.0.0.1:0', files);
  onTestFinished(() => server.close(0));
  return { port, serials };
}

test('the leader is asked with the certificate of the moment, on one connection while that is the same', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const directory = await temporaryDirectory();
  const authority = await createAuthority('etcd-ca');
  const files = {
    certFile: join(directory, 'crt'),
    keyFile: join(directory, 'key'),
    caFile: join(directory, 'ca'),
  };
  const renew = async (): Promise<void> => {
    const usages = ['server', 'client'] as const;
    const pair = await issueCertificate(authority, { commonName: 'm', ipAddresses: ['127.0.0.1'], usages });
    await writeFile(files.certFile, pair.certPem);
    await writeFile(files.keyFile, pair.keyPem);
  };
  await writeFile(files.caFile, authority.certPem);
  await renew();
  const { port, serials } = await leaderOf(files);
  const stateMachine = createStateMachine();
  const replica = new SingleMember(stateMachine);
  replica.memberList = replica.memberList.map((member) => ({
    ...member,
    clientUrls: [`https://127.0.0.1:${port}`],
  }));
  const logger = createLogger({ component: 'test', level: 'silent' });
  const client = new LeaderClient({ stateMachine, replica, config: defaultEtcdFaceConfig(files), logger });
  onTestFinished(() => client.close());
  const caller = { metadata: new Metadata(), getPeer: () => 'test', getAuthContext: () => ({}) };
  const ask = () => client.cluster('MemberList', {}, caller);
  await ask();
  await ask();
  await renew();
  vi.advanceTimersByTime(wireLimits.certificateCheckMs);
  await ask();
  expect(serials[0]).toMatch(/^[0-9A-F]+$/);
  expect(serials[1]).toBe(serials[0]);
  expect(serials[2]).toMatch(/^[0-9A-F]+$/);
  expect(serials[2]).not.toBe(serials[0]);
});
