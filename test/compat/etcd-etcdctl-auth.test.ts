import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveSingleMember, type Serving } from '../../services/store/test/etcd/single-member.js';
import { etcdctlBinary, missing, startEtcd, type Peer } from './etcd-peer.js';
import { etcdctl, runEtcdctl, type Outcome } from './etcdctl.js';

const reason = missing(etcdctlBinary);
if (reason !== undefined) console.warn(reason);

/** Ids differ, and the client's own log lines go. */
const plain = ({ exitCode, stdout, stderr }: Outcome): Outcome => ({
  exitCode,
  stdout: stdout.replaceAll(/"(cluster|member)_id":\d+/g, '"$1_id":0'),
  stderr: stderr.replaceAll(/^\{"level":"warn".*\n/gm, ''),
});

describe.skipIf(reason !== undefined)(
  `etcdctl's users against etcd and against us ${reason ?? ''}`,
  { timeout: 120_000 },
  () => {
    let etcd: Peer;
    let ours: Serving;
    let addresses: readonly [string, string];

    beforeAll(async () => {
      etcd = await startEtcd();
      ours = await serveSingleMember();
      addresses = [etcd.address, `127.0.0.1:${ours.port}`];
    });

    afterAll(async () => {
      await etcd?.close();
      await ours?.close();
    });

    async function same(args: readonly string[], input = ''): Promise<string> {
      const [theirs, mine] = await Promise.all(
        addresses.map(async (address) => plain(await etcdctl([address], args, input))),
      );
      expect({ args, ...mine! }).toEqual({ args, ...theirs! });
      return mine!.stdout + mine!.stderr;
    }

    it('adds users and roles, and grants', async () => {
      expect(await same(['auth', 'enable'])).toContain('root user does not exist');
      expect(await same(['user', 'add', 'root:pw'])).toBe('User root created\n');
      await same(['user', 'add', 'root:pw']);
      await same(['user', 'add', 'alice', '--interactive=false'], 'secret\n');
      await same(['user', 'add', 'bare', '--no-password']);
      await same(['user', 'list']);
      await same(['user', 'passwd', 'alice', '--interactive=false'], 'pw\n');
      await same(['role', 'add', 'app']);
      await same(['role', 'grant-permission', 'app', '--prefix', 'readwrite', '/app/']);
      await same(['role', 'grant-permission', 'app', 'read', '/config']);
      await same(['role', 'grant-permission', 'app', '--from-key', 'write', '~']);
      expect(await same(['role', 'get', 'app'])).toContain('/app/');
      await same(['role', 'revoke-permission', 'app', '--from-key', '~']);
      await same(['role', 'revoke-permission', 'app', '/nothing']);
      await same(['role', 'get', 'app', '-w', 'json']);
      await same(['user', 'grant-role', 'alice', 'app']);
      await same(['user', 'grant-role', 'alice', 'absent']);
      await same(['user', 'get', 'alice']);
      await same(['user', 'get', 'alice', '--detail']);
      await same(['role', 'list']);
      // The client gives root its role.
      expect(await same(['auth', 'enable'])).toBe('Authentication Enabled\n');
    });

    it('lets each user do what he may', async () => {
      const root = ['--user', 'root:pw'];
      const alice = ['--user', 'alice:pw'];
      expect(await same(['put', '/app/a', '1'])).toContain('user name is empty');
      expect(await same([...root, 'put', '/other', '1'])).toBe('OK\n');
      expect(await same([...alice, 'put', '/app/a', '1'])).toBe('OK\n');
      expect(await same([...alice, 'get', '--prefix', '/app/'])).toBe('/app/a\n1\n');
      expect(await same([...alice, 'get', '/other'])).toContain('permission denied');
      expect(await same([...alice, 'get', '--prefix', '/'])).toContain('permission denied');
      expect(await same([...alice, 'put', '/config', '1'])).toContain('permission denied');
      await same([...alice, 'get', '/config']);
      await same([...alice, 'del', '--prefix', '/app/', '--prev-kv']);
      await same([...alice, 'txn'], 'mod("/app/t") = "0"\n\nput /app/t created\n\nget /app/t\n\n');
      await same([...alice, 'txn'], 'mod("/other") = "0"\n\nput /app/t created\n\nget /app/t\n\n');
      expect(await same([...alice, 'watch', '/other'])).toContain('permission denied');
      expect(await same([...alice, 'user', 'list'])).toContain('permission denied');
      await same([...alice, 'user', 'get', 'alice']);
      await same([...alice, 'role', 'get', 'app']);
      await same([...alice, 'auth', 'disable']);
      expect(await same(['--user', 'alice:wrong', 'get', '/app/a'])).toContain('authentication failed');
      expect(await same(['--user', 'alice', '--password', 'pw', 'get', '/app/t'])).toBe('/app/t\ncreated\n');
      await same([...root, 'user', 'delete', 'root']);
      await same([...root, 'user', 'revoke-role', 'root', 'root']);
      await same([...root, 'role', 'delete', 'root']);
    });

    it('watches as a user', async () => {
      const watches = addresses.map((address) =>
        runEtcdctl([address], ['--user', 'alice:pw', 'watch', '--prefix', '/app/']),
      );
      try {
        // The client prints nothing when its watch is there: writes go on until each has seen one.
        for (let attempt = 0; watches.some(({ output }) => !output().includes('/app/ready')); attempt += 1) {
          expect(attempt).toBeLessThan(200);
          await same(['--user', 'root:pw', 'put', '/app/ready', 'x']);
        }
        await same(['--user', 'root:pw', 'put', '/elsewhere', 'x']);
        await same(['--user', 'root:pw', 'put', '/app/end', 'z']);
        const [theirs, mine] = await Promise.all(watches.map((watch) => watch.until(/\/app\/end\nz\n/)));
        expect(mine).not.toContain('elsewhere');
        expect(mine!.slice(mine!.lastIndexOf('PUT'))).toBe(theirs!.slice(theirs!.lastIndexOf('PUT')));
      } finally {
        for (const { child } of watches) child.kill('SIGKILL');
      }
    });

    it('takes it all back', async () => {
      const root = ['--user', 'root:pw'];
      await same([...root, 'user', 'revoke-role', 'alice', 'app']);
      expect(await same(['--user', 'alice:pw', 'get', '/app/t'])).toContain('permission denied');
      await same([...root, 'user', 'delete', 'alice']);
      expect(await same(['--user', 'alice:pw', 'get', '/app/t'])).toContain('authentication failed');
      await same([...root, 'role', 'delete', 'app']);
      expect(await same([...root, 'auth', 'disable'])).toBe('Authentication Disabled\n');
      expect(await same(['get', '/other'])).toBe('/other\n1\n');
      await same(['--user', 'root:pw', 'get', '/other']);
      await same(['auth', 'disable']);
    });
  },
);
