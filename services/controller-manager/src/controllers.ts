import type { Controller } from '@raftsman/client';
import { controllerNames, type ControllerName } from './controller-names.js';
import type { ControllerManagerConfig } from './config.js';
import type { ControllerContext } from './context.js';
import { createDeploymentController } from './deployment/controller.js';
import { createEndpointSliceController } from './endpoint-slice/controller.js';
import { createGarbageCollector } from './garbage-collector/controller.js';
import { createNamespaceController } from './namespace/controller.js';
import { createNodeIpamController } from './node-ipam/controller.js';
import { createNodeLifecycleController, type BeatEar } from './node-lifecycle/controller.js';
import { createPodGcController } from './pod-gc/controller.js';
import { createReplicaSetController } from './replica-set/controller.js';
import { createNamespaceContentController } from './service-account/controller.js';

export type Listen = (signal: AbortSignal) => BeatEar;

/** The controllers that are switched on, over one set of caches. */
export function createControllers(
  context: ControllerContext,
  config: ControllerManagerConfig,
  listen: Listen,
): readonly Controller[] {
  const { clusterCidr, nodeCidrMaskSize } = config;
  const makers: Readonly<Record<ControllerName, () => Controller | undefined>> = {
    deployment: () => createDeploymentController(context),
    replicaset: () => createReplicaSetController(context),
    endpointslice: () => createEndpointSliceController(context),
    'node-lifecycle': () =>
      createNodeLifecycleController(context, {
        listen,
        gracePeriodMs: config.nodeMonitorGracePeriodMs,
        defaultTolerations: {
          notReadySeconds: config.defaultNotReadyTolerationSeconds,
          unreachableSeconds: config.defaultUnreachableTolerationSeconds,
        },
      }),
    nodeipam: () =>
      clusterCidr === undefined
        ? undefined
        : createNodeIpamController(context, { clusterCidr, nodeCidrMaskSize }),
    'pod-garbage-collector': () => createPodGcController(context, config.terminatedPodGcThreshold),
    'garbage-collector': () => createGarbageCollector(context),
    namespace: () => createNamespaceController(context),
    serviceaccount: () => createNamespaceContentController(context, config.rootCa),
  };
  return controllerNames
    .filter((name) => config.controllers.has(name))
    .map((name) => makers[name]())
    .filter((controller) => controller !== undefined);
}
