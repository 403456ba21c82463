import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { adminKubeconfig } from './kubeconfig.js';
import { ensureCertificates } from './certificates.js';
import { natsConfFile, type ClusterAt } from './members.js';
import { natsConf } from './nats-conf.js';

/** Makes a cluster's folders, certificates and configuration files; what is there already stays. */
export async function prepareState(at: ClusterAt): Promise<void> {
  const { cluster, paths } = at;
  for (const folder of [paths.root, paths.logs, paths.run, paths.data, paths.conf])
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  await ensureCertificates(cluster, paths);
  if (cluster.nats !== null) writeFileSync(natsConfFile(paths, 'cluster'), natsConf(cluster, null, paths));
  else
    for (const master of cluster.masters)
      writeFileSync(natsConfFile(paths, master.name), natsConf(cluster, master, paths));
  writeFileSync(paths.kubeconfig, adminKubeconfig(cluster, paths));
  chmodSync(paths.kubeconfig, 0o600);
}
