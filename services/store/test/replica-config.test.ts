import { describe, expect, test } from 'vitest';
import { checkFirstStart, storeConfig, type StoreConfig, type StoreFlags } from '../src/config.js';
import { command } from '../src/main.js';

const defaults: StoreFlags = {
  name: 'default',
  listenPeerUrls: 'http://localhost:2380',
  initialAdvertisePeerUrls: 'http://localhost:2380',
  initialClusterState: 'new',
  initialClusterToken: 'etcd-cluster',
  heartbeatInterval: 100,
  electionTimeout: 1_000,
  snapshotCount: 10_000,
  snapshotCatchupEntries: 5_000,
  quotaBackendBytes: 0,
  maxRequestBytes: 1_572_864,
  maxTxnOps: 128,
  grpcKeepaliveInterval: 60_000,
  grpcKeepaliveTimeout: 60_000,
  authToken: 'simple',
  watchProgressNotifyInterval: 600_000,
  autoCompactionMode: 'periodic',
  autoCompactionRetention: '0',
  experimentalCorruptCheckTime: 0,
  logLevel: 'info',
};

const three: Partial<StoreFlags> = {
  name: 'm2',
  listenPeerUrls: 'https://10.0.0.2:2380',
  initialAdvertisePeerUrls: 'https://10.0.0.2:2380',
  initialCluster: 'm1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380',
  peerCertFile: 'p.crt',
  peerKeyFile: 'p.key',
  peerTrustedCaFile: 'p-ca.crt',
  peerClientCertAuth: true,
};

describe('store flags', () => {
  test('without any, one member as etcd would start it', () => {
    expect(storeConfig(defaults)).toMatchObject({
      dataDirectory: 'default.etcd',
      initialCluster: [{ name: 'default', peerUrls: ['http://localhost:2380'], isWitness: false }],
      clientListeners: [{ address: 'localhost:2379', security: 'insecure' }],
      advertiseClientUrls: ['http://localhost:2379'],
      peerListeners: [{ address: 'localhost:2380', security: 'insecure' }],
      advertisePeerUrls: ['http://localhost:2380'],
      peerTls: null,
    });
  });

  test('three members with TLS', () => {
    const config = storeConfig({ ...defaults, ...three });
    expect(config.initialCluster.map(({ name }) => name)).toEqual(['m1', 'm2', 'm3']);
    expect(config.peerListeners).toEqual([
      {
        address: '10.0.0.2:2380',
        security: { certFile: 'p.crt', keyFile: 'p.key', caFile: 'p-ca.crt' },
      },
    ]);
    expect(config.peerTls).toEqual({ certFile: 'p.crt', keyFile: 'p.key', caFile: 'p-ca.crt' });
  });

  const client: Partial<StoreFlags> = {
    listenClientUrls: 'https://127.0.0.1:2379',
    listenMetricsUrls: 'https://127.0.0.1:2381',
    advertiseClientUrls: 'https://127.0.0.1:2379',
    certFile: 'c.crt',
    keyFile: 'c.key',
  };

  test.each([
    [false, 'c-ca.crt'],
    [true, 'c-ca.crt'],
    [false, undefined],
  ])(
    "an authority is the listeners' with --client-cert-auth: %s and --trusted-ca-file: %s",
    (clientCertAuth, trustedCaFile) => {
      const config = storeConfig({ ...defaults, ...client, clientCertAuth, trustedCaFile });
      const security = { certFile: 'c.crt', keyFile: 'c.key', caFile: trustedCaFile };
      expect(config.clientListeners).toEqual([{ address: '127.0.0.1:2379', security }]);
      expect(config.metricsListeners).toEqual([{ address: '127.0.0.1:2381', security }]);
      expect(config.clientCertAuth).toBe(clientCertAuth);
    },
  );

  test('peers too need no authority, and ask nobody for a certificate then', () => {
    const withoutAuthority = { ...three, peerTrustedCaFile: undefined, peerClientCertAuth: false };
    const config = storeConfig({ ...defaults, ...withoutAuthority } as StoreFlags);
    const security = { certFile: 'p.crt', keyFile: 'p.key', caFile: undefined };
    expect(config.peerListeners).toEqual([{ address: '10.0.0.2:2380', security }]);
    expect(config.peerTls).toEqual(security);
  });

  test.each<[readonly string[], object]>([
    [[], { quotaBackendBytes: null, watchProgressNotifyIntervalMs: 600_000 }],
    [['--quota-backend-bytes=-1'], { quotaBackendBytes: -1 }],
    [['--quota-backend-bytes', '-1'], { quotaBackendBytes: -1 }],
    [['--watch-progress-notify-interval=1m'], { watchProgressNotifyIntervalMs: 60_000 }],
    [
      ['--experimental-watch-progress-notify-interval=2m', '--watch-progress-notify-interval=1m'],
      { watchProgressNotifyIntervalMs: 120_000 },
    ],
  ])("as words: %j, with etcd's meaning", (words, expected) => {
    const store = command().exitOverride();
    store.parseOptions([...words]);
    expect(storeConfig(store.opts<StoreFlags>())).toMatchObject(expected);
  });

  test('a third member that votes and keeps no data', () => {
    const config = storeConfig({ ...defaults, ...three, initialClusterWitnesses: 'm3' });
    expect(config.initialCluster.filter(({ isWitness }) => isWitness).map(({ name }) => name)).toEqual([
      'm3',
    ]);
  });

  test('with data, what the cluster began with need not fit any more', () => {
    expect(storeConfig({ ...defaults, initialAdvertisePeerUrls: 'http://localhost:9999' })).toMatchObject({
      advertisePeerUrls: ['http://localhost:9999'],
    });
  });

  test.each<[string, string, StoreConfig['autoCompaction']]>([
    ['periodic', '0', null],
    ['periodic', '', null],
    ['periodic', '0s', null],
    ['periodic', '8', { mode: 'periodic', retentionMs: 8 * 3_600_000 }],
    ['periodic', '30m', { mode: 'periodic', retentionMs: 1_800_000 }],
    ['periodic', '1h30m', { mode: 'periodic', retentionMs: 5_400_000 }],
    ['revision', '0', null],
    ['revision', '1000', { mode: 'revision', retentionRevisions: 1_000 }],
  ])('compaction %s of "%s"', (autoCompactionMode, autoCompactionRetention, autoCompaction) => {
    const config = storeConfig({ ...defaults, autoCompactionMode, autoCompactionRetention });
    expect(config.autoCompaction).toEqual(autoCompaction);
  });

  test.each<[string, Partial<StoreFlags>, RegExp]>([
    [
      'an unknown mode of compaction',
      { autoCompactionMode: 'sometimes' },
      /^unknown auto-compaction-mode "sometimes"$/,
    ],
    ['no mode of compaction', { autoCompactionMode: '' }, /^--auto-compaction-mode is undefined$/],
    [
      'a retention that is no duration',
      { autoCompactionRetention: '1 day' },
      /^error parsing CompactionRetention: time: invalid duration "1 day"$/,
    ],
    [
      'a retention below zero',
      { autoCompactionRetention: '-5h' },
      /^error parsing CompactionRetention: time: invalid duration "-5h"$/,
    ],
    [
      'a retention of longer than Go can say',
      { autoCompactionRetention: '2562048' },
      /^error parsing CompactionRetention: time: invalid duration "2562048"$/,
    ],
    [
      'a duration of revisions',
      { autoCompactionMode: 'revision', autoCompactionRetention: '5m' },
      /^error parsing CompactionRetention: strconv.Atoi: parsing "5m": invalid syntax$/,
    ],
    [
      'tokens that nobody here makes',
      { authToken: 'jwt,pub-key=a.pem,priv-key=b.pem,sign-method=RS256' },
      /^--auth-token\[jwt\] is not supported: tokens are "simple" ones/,
    ],
    ['an impatient election', { electionTimeout: 400 }, /should be at least as 5 times/],
    [
      'requests that no member could send another',
      { maxRequestBytes: 15 * 2 ** 20 + 1 },
      /--max-request-bytes/,
    ],
    ['a sleepy election', { electionTimeout: 50_001 }, /too long/],
    [
      'listening without advertising',
      { listenClientUrls: 'http://127.0.0.1:1' },
      /--advertise-client-urls is required/,
    ],
    [
      'a name that is not in the cluster',
      { name: 'm4', initialCluster: 'm1=http://localhost:2380' },
      /couldn't find local name "m4"/,
    ],
    [
      'another URL in the cluster than advertised',
      { initialCluster: 'default=http://localhost:9999' },
      /--initial-cluster has default=http:\/\/localhost:9999 but --initial-advertise-peer-urls=http:\/\/localhost:2380/,
    ],
    [
      'a witness that is no member',
      { initialClusterWitnesses: 'm3' },
      /--initial-cluster-witnesses names m3, which --initial-cluster does not/,
    ],
    [
      'as many witnesses as members with data',
      {
        initialCluster: 'default=http://localhost:2380,b=http://localhost:2381',
        initialClusterWitnesses: 'b',
      },
      /names 1 of 2 members: fewer than half/,
    ],
    [
      'a URL without a port',
      { listenPeerUrls: 'http://localhost' },
      /invalid value "http:\/\/localhost" for --listen-peer-urls/,
    ],
    ['a URL with a path', { listenPeerUrls: 'http://localhost:1/x' }, /expected http:\/\/host:port/],
    ['a port too large', { listenPeerUrls: 'http://localhost:65536' }, /expected http:\/\/host:port/],
    ['a name to listen on', { listenPeerUrls: 'http://example.com:1' }, /expected IP in URL for binding/],
    ['the same URL twice', { listenPeerUrls: 'http://localhost:1,http://localhost:1' }, /twice/],
    [
      'two members with one URL',
      { initialCluster: 'default=http://localhost:2380,b=http://localhost:2380' },
      /twice/,
    ],
    [
      'a member without a name',
      { initialCluster: 'http://localhost:2380' },
      /expected name=http:\/\/host:port/,
    ],
    [
      'TLS without files',
      { ...three, peerCertFile: undefined, peerKeyFile: undefined } as Partial<StoreFlags>,
      /^TLS for https:\/\/10\.0\.0\.2:2380 needs --peer-cert-file and --peer-key-file$/,
    ],
    [
      'a certificate without its key',
      { ...three, peerKeyFile: undefined } as Partial<StoreFlags>,
      /^--peer-cert-file and --peer-key-file must be given together$/,
    ],
    [
      'to check certificates without an authority',
      { ...three, peerTrustedCaFile: undefined } as Partial<StoreFlags>,
      /^--peer-client-cert-auth needs --peer-trusted-ca-file$/,
    ],
    ['client certificates without TLS', { clientCertAuth: true }, /it is not https/],
    [
      'some members with TLS',
      { ...three, initialCluster: 'm1=http://10.0.0.1:2380,m2=https://10.0.0.2:2380' },
      /all members must use http or all https/,
    ],
  ])('refuses %s', (_what, change, message) => {
    expect(() => checkFirstStart(storeConfig({ ...defaults, ...change }))).toThrow(message);
  });
});
