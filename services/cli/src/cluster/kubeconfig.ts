import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { ClusterConfig } from '@raftsman/config';
import { certFile, keyFile, type StatePaths } from './paths.js';

/** The administrator's kubeconfig, complete in one file. The certificates must exist. */
export function adminKubeconfig(cluster: ClusterConfig, paths: StatePaths): string {
  const data = (file: string): string => readFileSync(file).toString('base64');
  const context = `admin@${cluster.name}`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster.name,
        cluster: {
          server: `https://${cluster.gateway.address}:${cluster.gateway.httpsPort}`,
          'certificate-authority-data': data(certFile(paths, 'api-ca')),
        },
      },
    ],
    users: [
      {
        name: 'admin',
        user: {
          'client-certificate-data': data(certFile(paths, 'admin')),
          'client-key-data': data(keyFile(paths, 'admin')),
        },
      },
    ],
    contexts: [{ name: context, context: { cluster: cluster.name, user: 'admin' } }],
    'current-context': context,
  });
}
