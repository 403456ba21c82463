import type { ClusterConfig, MasterConfig } from '@raftsman/config';
import { certFile, keyFile, type StatePaths } from './paths.js';

/** A user that is elected by the Lease of its own name. */
function controller(name: string, subscribe: readonly string[]): string {
  const own = `"raftsman.leader.${name}"`;
  const heard = [...subscribe.map((subject) => `"${subject}"`), own].join(', ');
  return `    { user: "CN=system:${name}", permissions: { publish: [${own}], subscribe: [${heard}] } }`;
}

/**
 * The configuration of one nats-server (https://docs.nats.io/running-a-nats-service/configuration). Every connection is mutual TLS,
 * and the certificate is the credential: a node may publish its own beats and nothing else, the controller-manager may read them;
 * it and the scheduler speak and listen on the subject of their own Lease.
 * `master`: whose server it is; null: the cluster's only one.
 */
export function natsConf(cluster: ClusterConfig, master: MasterConfig | null, paths: StatePaths): string {
  const at = master === null ? cluster.nats! : { address: master.address, port: master.natsPort };
  const identity = master === null ? 'nats' : `nats-${master.name}`;
  const tls = (extra: string): string =>
    `tls { cert_file: "${certFile(paths, identity)}", key_file: "${keyFile(paths, identity)}", ca_file: "${certFile(paths, 'api-ca')}", ${extra} }`;
  const users = [
    ...cluster.workers.map(
      ({ name }) =>
        `    { user: "CN=system:node:${name},O=system:nodes", permissions: { publish: ["raftsman.hb.${name.replaceAll('.', '_')}"], subscribe: { deny: ">" } } }`,
    ),
    controller('kube-controller-manager', ['raftsman.hb.*']),
    controller('kube-scheduler', []),
  ];
  const lines = [
    `server_name: ${identity}`,
    `host: ${at.address}`,
    `port: ${at.port}`,
    'max_payload: 64KB',
    'max_connections: 4096',
    tls('verify_and_map: true, timeout: 5'),
    'authorization {',
    '  users = [',
    ...users,
    '  ]',
    '}',
  ];
  if (master !== null) {
    const routes = cluster.masters
      .filter((m) => m.name !== master.name)
      .map((m) => `    "nats-route://${m.address}:${m.natsRoutePort}"`);
    lines.push(
      'cluster {',
      `  name: ${cluster.name}`,
      `  listen: "${master.address}:${master.natsRoutePort}"`,
      `  ${tls('verify: true, timeout: 5')}`,
      '  routes = [',
      ...routes,
      '  ]',
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}
