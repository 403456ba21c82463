import type { Resource } from '@raftsman/api';
import {
  admitNodesLabels,
  admitNodesLease,
  admitNodesNode,
  admitNodesTaints,
} from '../admission/node-restriction.js';
import { namespaceStrategy } from './namespace.js';
import { podStrategy } from './pod.js';
import { serviceStrategy } from './service.js';
import type { Strategy } from './strategy.js';

const eventStrategy: Strategy = { extras: async (context) => ({ lease: await context.eventLease() }) };

const leaseStrategy: Strategy = {
  admitCreate: (_context, request, object) => admitNodesLease(request.identity, object),
  updateNeedsVersion: true,
};

const nodeStrategy: Strategy = {
  admitCreate: (_context, request, object) => {
    admitNodesNode(request.identity, object);
    admitNodesLabels(request.identity, object, undefined);
  },
  admitUpdate: (_context, request, object, old) => {
    admitNodesNode(request.identity, old);
    admitNodesLabels(request.identity, object, old);
    admitNodesTaints(request.identity, object, old);
  },
};

const strategies: ReadonlyMap<string, Strategy> = new Map([
  ['/events', eventStrategy],
  ['/namespaces', namespaceStrategy],
  ['/nodes', nodeStrategy],
  ['/pods', podStrategy],
  ['/services', serviceStrategy],
  ['coordination.k8s.io/leases', leaseStrategy],
]);

const plain: Strategy = {};

export const strategyOf = (resource: Resource): Strategy =>
  strategies.get(`${resource.group}/${resource.plural}`) ?? plain;

export type { Strategy } from './strategy.js';
