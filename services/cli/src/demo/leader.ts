import { channelOptions, clientCredentials, loadService } from '@raftsman/wire';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import type { ClusterAt } from '../cluster/members.js';
import { certFile, keyFile } from '../cluster/paths.js';

const timeoutMs = 1_000;

/** The master whose store leads, by asking every store that answers; null while there is none. */
export async function leadingMaster(at: ClusterAt): Promise<string | null> {
  const statuses = await Promise.all(
    at.cluster.masters.map(async (master) => ({
      name: master.name,
      status: await storeStatus(at, `${master.address}:${master.storeClientPort}`),
    })),
  );
  return (
    statuses.find(
      ({ status }) => status !== null && status.leader !== '0' && status.leader === status.header?.memberId,
    )?.name ?? null
  );
}

function storeStatus(at: ClusterAt, address: string): Promise<StatusResponse__Output | null> {
  const constructor = loadService('etcd/rpc.proto', 'etcdserverpb.Maintenance');
  const credentials = clientCredentials({
    caFile: certFile(at.paths, 'ca'),
    certFile: certFile(at.paths, 'etcd-client'),
    keyFile: keyFile(at.paths, 'etcd-client'),
  });
  const client = new constructor(address, credentials, channelOptions()) as unknown as MaintenanceClient;
  return new Promise((resolve) => {
    client.Status({}, { deadline: Date.now() + timeoutMs }, (error, response) => {
      client.close();
      resolve(error || response === undefined ? null : response);
    });
  });
}
