import type { Controller, EventRecorder } from '@raftsman/client';
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

/** In whose name a controller's Events are, as Kubernetes has it. */
const eventSources: Readonly<Partial<Record<ControllerName, string>>> = {
  deployment: 'deployment-controller',
  replicaset: 'replicaset-controller',
  'node-lifecycle': 'node-controller',
  nodeipam: 'cidrAllocator',
};

/** The controllers that are switched on, over one set of caches. */
export function createControllers(
  shared: Omit<ControllerContext, 'recorder'> & { readonly recorder: EventRecorder },
  config: ControllerManagerConfig,
  listen: Listen,
): readonly Controller[] {
  const { clusterCidr, nodeCidrMaskSize } = config;
  const makers: Readonly<Record<ControllerName, (context: ControllerContext) => Controller | undefined>> = {
    deployment: (context) => createDeploymentController(context),
    replicaset: (context) => createReplicaSetController(context),
    endpointslice: (context) => createEndpointSliceController(context),
    'node-lifecycle': (context) =>
      createNodeLifecycleController(context, {
        listen,
        gracePeriodMs: config.nodeMonitorGracePeriodMs,
        defaultTolerations: {
          notReadySeconds: config.defaultNotReadyTolerationSeconds,
          unreachableSeconds: config.defaultUnreachableTolerationSeconds,
        },
      }),
    nodeipam: (context) =>
      clusterCidr === undefined
        ? undefined
        : createNodeIpamController(context, { clusterCidr, nodeCidrMaskSize }),
    'pod-garbage-collector': (context) => createPodGcController(context, config.terminatedPodGcThreshold),
    'garbage-collector': (context) => createGarbageCollector(context),
    namespace: (context) => createNamespaceController(context),
    serviceaccount: (context) => createNamespaceContentController(context, config.rootCa),
  };
  return controllerNames
    .filter((name) => config.controllers.has(name))
    .map((name) => makers[name]({ ...shared, recorder: shared.recorder.as(eventSources[name] ?? name) }))
    .filter((controller) => controller !== undefined);
}
