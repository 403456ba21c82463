import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAuthority, expiryMs, issueCertificate, openPkiFolder, PkiError } from '@raftsman/pki';

describe('authority', () => {
  it('issues what node:crypto verifies, with user, groups and names', async () => {
    const authority = await createAuthority('raftsman-ca');
    const node = await issueCertificate(authority, {
      commonName: 'system:node:worker-1',
      organizations: ['system:nodes'],
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    });
    const parsed = new X509Certificate(node.certPem);
    expect(parsed.verify(new X509Certificate(authority.certPem).publicKey)).toBe(true);
    expect(parsed.subject.split('\n').sort()).toEqual(['CN=system:node:worker-1', 'O=system:nodes']);
    expect(parsed.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(expiryMs(node.certPem)).toBeGreaterThan(Date.now() + 300 * 86_400_000);
  });

  it('makes certificates that mutual TLS accepts, and refuses those of another authority', async () => {
    const authority = await createAuthority('raftsman-ca');
    const server = await issueCertificate(authority, {
      commonName: 'server',
      dnsNames: ['localhost'],
      usages: ['server'],
    });
    const client = await issueCertificate(authority, {
      commonName: 'admin',
      organizations: ['system:masters'],
      usages: ['client'],
    });
    const stranger = await issueCertificate(await createAuthority('raftsman-ca'), {
      commonName: 'admin',
      usages: ['client'],
    });
    const listener = createServer(
      {
        cert: server.certPem,
        key: server.keyPem,
        ca: authority.certPem,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (socket: TLSSocket) =>
        socket.end(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'refused'),
    ).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const port = (listener.address() as AddressInfo).port;
    const greet = async (pair: { certPem: string; keyPem: string }): Promise<string> => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authority.certPem,
        cert: pair.certPem,
        key: pair.keyPem,
      });
      const [data] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return data.toString();
    };
    expect(await greet(client)).toBe('admin');
    expect(await greet(stranger)).toBe('refused');
    listener.close();
  });

  it('keeps a folder: a second run changes nothing, keys are private', async () => {
    const path = mkdtempSync(join(tmpdir(), 'pki-'));
    const folder = openPkiFolder(path);
    const fill = async (): Promise<string> => {
      const authority = await folder.authority('ca', 'raftsman-ca');
      await folder.certificate('admin', authority, { commonName: 'admin', usages: ['client'] });
      return readFileSync(folder.certFile('ca'), 'utf8') + readFileSync(folder.certFile('admin'), 'utf8');
    };
    expect(await fill()).toBe(await fill());
    expect(statSync(folder.keyFile('admin')).mode & 0o777).toBe(0o600);
    rmSync(path, { recursive: true });
  });

  it('issues anew what is damaged, foreign, for other names or about to expire', async () => {
    const path = mkdtempSync(join(tmpdir(), 'pki-'));
    const folder = openPkiFolder(path);
    const authority = await folder.authority('ca', 'raftsman-ca');
    const server = { commonName: 'server', dnsNames: ['localhost'], ipAddresses: ['10.0.0.1'] };
    const request = { ...server, usages: ['server' as const] };
    const now = (): string => readFileSync(folder.certFile('server'), 'utf8');
    const certificate = async (more: object = {}): Promise<string> => {
      await folder.certificate('server', authority, { ...request, ...more });
      return now();
    };
    const replacedAfter = async (spoil: () => void | Promise<void>): Promise<boolean> => {
      await spoil();
      const before = now();
      const after = await certificate();
      return after !== before && (await certificate()) === after;
    };
    await certificate();
    const certFile = (name: string): string => folder.certFile(name);
    const keyFile = (name: string): string => folder.keyFile(name);
    const other = await issueCertificate(await createAuthority('raftsman-ca'), request);
    const old = await issueCertificate(authority, { ...request, days: 20 });
    const put = (pair: { certPem: string; keyPem: string }): void => {
      writeFileSync(certFile('server'), pair.certPem);
      writeFileSync(keyFile('server'), pair.keyPem);
    };
    expect(await replacedAfter(() => writeFileSync(certFile('server'), 'garbage'))).toBe(true);
    expect(await replacedAfter(() => writeFileSync(keyFile('server'), ''))).toBe(true);
    expect(await replacedAfter(() => rmSync(keyFile('server')))).toBe(true);
    expect(await replacedAfter(() => writeFileSync(keyFile('server'), other.keyPem))).toBe(true);
    expect(await replacedAfter(() => put(other))).toBe(true);
    expect(await replacedAfter(() => put(old))).toBe(true);
    expect(await replacedAfter(() => undefined)).toBe(false);
    const moved = await certificate({ ipAddresses: ['10.0.0.2'] });
    expect(new X509Certificate(moved).subjectAltName).toContain('10.0.0.2');
    rmSync(path, { recursive: true });
  });

  it('never replaces an authority', async () => {
    const path = mkdtempSync(join(tmpdir(), 'pki-'));
    const folder = openPkiFolder(path);
    const { certPem, keyPem } = await folder.authority('ca', 'raftsman-ca');
    const refused = (): Promise<unknown> =>
      expect(folder.authority('ca', 'raftsman-ca')).rejects.toThrow(PkiError);
    rmSync(folder.keyFile('ca'));
    await refused();
    writeFileSync(folder.keyFile('ca'), (await createAuthority('raftsman-ca')).keyPem);
    await refused();
    writeFileSync(folder.keyFile('ca'), keyPem);
    writeFileSync(folder.certFile('ca'), certPem.slice(0, 200));
    await refused();
    expect(readFileSync(folder.keyFile('ca'), 'utf8')).toBe(keyPem);
    rmSync(path, { recursive: true });
  });
});
