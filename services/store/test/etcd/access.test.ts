import { Metadata } from '@grpc/grpc-js';
import { createLogger } from '@raftsman/telemetry';
import { describe, expect, it } from 'vitest';
import { encodeAs, encodeAuthCommand, type AuthCommand } from '../../src/auth/commands.js';
import { identityOf, permitAdmin, permitIdentified, type Caller } from '../../src/etcd/access.js';
import { issueToken } from '../../src/etcd/auth-tokens.js';
import { createStateMachine, defaultEtcdFaceConfig } from '../../src/etcd/index.js';
import { SingleMember } from './single-member.js';

const enable: AuthCommand = { kind: 'enable' };
const addBob: AuthCommand = { kind: 'user-add', name: 'bob', password: null };

/** A member that verifies certificates, with a root user. */
async function withUsers() {
  const stateMachine = createStateMachine();
  const replica = new SingleMember(stateMachine);
  const does = (command: AuthCommand): Promise<unknown> => {
    const { enabled, revision } = stateMachine.auth;
    const data = encodeAuthCommand(command);
    return replica.propose(enabled ? encodeAs({ user: 'root', revision }, data) : data);
  };
  await does({ kind: 'user-add', name: 'root', password: null });
  await does({ kind: 'user-grant-role', user: 'root', role: 'root' });
  const config = { ...defaultEtcdFaceConfig, clientCertAuth: true };
  const logger = createLogger({ component: 'test', level: 'silent' });
  return { context: { stateMachine, replica, config, logger }, does };
}

/** Whoever shows such a certificate, on a connection that verifies it, and a token. */
function certified(commonName: string, token?: string): Caller {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  const sslPeerCertificate = { subject: { CN: commonName } };
  return { metadata, getPeer: () => '', getAuthContext: () => ({ sslPeerCertificate }) } as unknown as Caller;
}

describe('as whom a call is passed on', () => {
  it('is nobody while authentication is off, and counts as that only while it is off there too', async () => {
    const { context, does } = await withUsers();
    const nobody = await identityOf(context, certified('root'));
    expect(nobody).toEqual({ user: '', revision: 0 });
    expect(await permitAdmin(context, nobody)).toBeNull();
    await does(enable);
    await expect(permitIdentified(context, nobody)).rejects.toMatchObject({ code: 'old-revision' });
  });

  it('is the user of the token, else of the certificate', async () => {
    const { context, does } = await withUsers();
    await does({ kind: 'user-add', name: 'alice', password: null });
    await does(enable);
    const { revision } = context.stateMachine.auth;
    const token = await issueToken(context, { user: 'alice', revision });
    const alice = { user: 'alice', revision };
    expect(await identityOf(context, certified('root', token))).toEqual(alice);
    expect(await identityOf(context, certified('root'))).toEqual({ user: 'root', revision });
    await expect(identityOf(context, certified('root', `${token}x`))).rejects.toMatchObject({
      details: 'etcdserver: invalid auth token',
    });
    expect(await permitIdentified(context, alice)).toEqual(alice);
    await expect(permitAdmin(context, alice)).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(permitIdentified(context, { user: 'stranger', revision })).rejects.toMatchObject({
      code: 'permission-denied',
    });
  });

  it('counts for the users of that moment: who was deleted since is nobody', async () => {
    const { context, does } = await withUsers();
    await does(enable);
    const root = await identityOf(context, certified('root'));
    await does(addBob);
    await expect(permitAdmin(context, root)).rejects.toMatchObject({ code: 'old-revision' });
  });

  it('may be known to the other member before it is known here', async () => {
    const { context, does } = await withUsers();
    await does(enable);
    const ahead = { user: 'root', revision: context.stateMachine.auth.revision + 1 };
    const readIndex = context.replica.readIndex.bind(context.replica);
    context.replica.readIndex = async () => {
      context.replica.readIndex = readIndex;
      await does(addBob);
    };
    expect(await permitAdmin(context, ahead)).toEqual(ahead);
  });
});
