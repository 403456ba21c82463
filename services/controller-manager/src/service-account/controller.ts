import type { Namespace } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isAlreadyExists,
  isNamespaceTerminating,
  isNotFound,
  kinds,
  type Controller,
  type ObjectLike,
  type ResourceClient,
  type Stored,
} from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { controllerLimits } from '../limits.js';

const serviceAccountName = 'default';
const rootCaName = 'kube-root-ca.crt';

/** What every namespace has: the ServiceAccount `default` and, given a root certificate, the ConfigMap `kube-root-ca.crt`. */
export function createNamespaceContentController(
  context: ControllerContext,
  rootCa: string | undefined,
): Controller {
  const { informers, client, logger } = context;
  const queue = createWorkQueue();
  informers.namespaces.onChange(({ after }) => {
    if (after !== undefined) queue.add(after.metadata.name);
  });
  informers.serviceAccounts.onChange(({ before, after }) => {
    if (after === undefined && before?.metadata.name === serviceAccountName)
      queue.add(before.metadata.namespace!);
  });
  informers.configMaps.onChange(({ before, after }) => {
    const { name, namespace } = (after ?? before)!.metadata;
    if (name === rootCaName) queue.add(namespace!);
  });
  return createController({
    name: 'namespace-content',
    queue,
    workers: controllerLimits.workers,
    synced: [informers.namespaces, informers.serviceAccounts, informers.configMaps],
    logger,
    reconcile: async (namespace) => {
      if (!isLive(informers.namespaces.get(namespace))) return;
      if (informers.serviceAccounts.get(`${namespace}/${serviceAccountName}`) === undefined) {
        const metadata = { namespace, name: serviceAccountName };
        await createOnce(client.of(kinds.serviceAccounts), {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata,
        });
      }
      if (rootCa === undefined) return;
      const configMaps = client.of(kinds.configMaps);
      const before = informers.configMaps.get(`${namespace}/${rootCaName}`);
      const data = { 'ca.crt': rootCa };
      if (before === undefined) {
        const metadata = { namespace, name: rootCaName };
        await createOnce(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      } else if (before.data?.['ca.crt'] !== rootCa) await configMaps.update({ ...before, data });
    },
  });
}

const isLive = (namespace: Stored<Namespace> | undefined): boolean =>
  namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;

async function createOnce<T extends ObjectLike>(client: ResourceClient<T>, object: T): Promise<void> {
  try {
    await client.create(object);
  } catch (error) {
    // There already, or the namespace went meanwhile: either way nothing is left to do.
    if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
  }
}
