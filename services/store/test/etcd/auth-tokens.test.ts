import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import { createLogger } from '@raftsman/telemetry';
import { clientCredentials, loadService } from '@raftsman/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeAuthCommand, type AuthCommand } from '../../src/auth/commands.js';
import type { Caller } from '../../src/etcd/access.js';
import { ForwardedTokens } from '../../src/etcd/auth-tokens.js';
import { defaultEtcdFaceConfig } from '../../src/etcd/index.js';
import { serveSingleMember, type Serving } from './single-member.js';

async function withUsers(): Promise<{ readonly serving: Serving; readonly tokens: ForwardedTokens }> {
  const serving = await serveSingleMember();
  onTestFinished(() => serving.close());
  const { stateMachine, replica } = serving;
  const commands: readonly AuthCommand[] = [
    { kind: 'user-add', name: 'root', password: null },
    { kind: 'user-grant-role', user: 'root', role: 'root' },
  ];
  for (const command of commands) await replica.propose(encodeAuthCommand(command));
  const config = { ...defaultEtcdFaceConfig('insecure'), clientCertAuth: true };
  const logger = createLogger({ component: 'test', level: 'silent' });
  return { serving, tokens: new ForwardedTokens({ stateMachine, replica, config, logger }) };
}

/** Whoever shows such a certificate, on a connection that verifies it. */
function certified(commonName: string, metadata = new Metadata()): Caller {
  const sslPeerCertificate = { subject: { CN: commonName } };
  return { metadata, getPeer: () => '', getAuthContext: () => ({ sslPeerCertificate }) } as unknown as Caller;
}

/** What whoever shows this token is refused; undefined: nothing. */
function refusal({ port }: Serving, token: string): Promise<string | undefined> {
  const kv = new (loadService('etcd/rpc.proto', 'etcdserverpb.KV'))(
    `127.0.0.1:${port}`,
    clientCredentials('insecure'),
  ) as unknown as KVClient;
  const metadata = new Metadata();
  metadata.set('token', token);
  return new Promise((resolve) => {
    kv.range({ key: Buffer.from('k') }, metadata, (error: ServiceError | null) => {
      kv.close();
      resolve(error?.details);
    });
  });
}

describe('what a member shows the leader', () => {
  it('is nothing while authentication is off, and the token that it was shown', async () => {
    const { serving, tokens } = await withUsers();
    expect(await tokens.of(certified('root'))).toBeUndefined();
    await serving.replica.propose(encodeAuthCommand({ kind: 'enable' }));
    const metadata = new Metadata();
    metadata.set('token', 'shown');
    expect(await tokens.of(certified('root', metadata))).toBe('shown');
    expect(tokens.forget(certified('root', metadata))).toBe(false);
  });

  it('is a token of its own for whoever has shown a certificate, until it is not known any more', async () => {
    const { serving, tokens } = await withUsers();
    await serving.replica.propose(encodeAuthCommand({ kind: 'enable' }));
    const first = await tokens.of(certified('root'));
    expect(await refusal(serving, first!)).toBeUndefined();
    expect(await refusal(serving, `${first!}x`)).toBe('etcdserver: invalid auth token');
    expect(await tokens.of(certified('root'))).toBe(first);
    expect(tokens.forget(certified('root'))).toBe(true);
    const second = await tokens.of(certified('root'));
    expect(second).not.toBe(first);
    serving.stateMachine.tokens.apply({ kind: 'all-gone' }, 0);
    expect(await tokens.of(certified('root'))).not.toBe(second);
    await expect(tokens.of(certified('stranger'))).rejects.toMatchObject({ code: 'permission-denied' });
    expect(await tokens.of(certified(''))).toBeUndefined();
  });
});
