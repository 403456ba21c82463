import { createController, createWorkQueue, kinds, referenceTo, type Controller } from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { firstFree, formatCidr, parseCidr, type Cidr } from './cidr.js';

export interface NodeIpamOptions {
  /** --cluster-cidr: the pods' addresses. */
  readonly clusterCidr: Cidr;
  /** --node-cidr-mask-size: the prefix length of one node's share. */
  readonly nodeCidrMaskSize: number;
}

/**
 * Gives every node its part of the pod network, once and for all. One at a time, from a list that is read just before and not from a
 * cache, and written only onto the version that was seen: so that no two nodes get the same part, also across a change of leader.
 */
export function createNodeIpamController(context: ControllerContext, options: NodeIpamOptions): Controller {
  const { informers, client, logger, recorder } = context;
  const queue = createWorkQueue();
  const nodes = client.of(kinds.nodes);
  informers.nodes.onChange(({ after }) => {
    if (after !== undefined && (after.spec?.podCIDR ?? '') === '') queue.add(after.metadata.name);
  });
  return createController({
    name: 'node-ipam',
    queue,
    workers: 1,
    synced: [informers.nodes],
    logger,
    reconcile: async (name) => {
      const { items } = await nodes.list();
      const node = items.find(({ metadata }) => metadata.name === name);
      if (node === undefined || (node.spec?.podCIDR ?? '') !== '') return;
      const used = items
        .flatMap(({ spec }) => spec?.podCIDRs ?? [spec?.podCIDR ?? ''])
        .map(parseCidr)
        .filter((cidr) => cidr !== undefined);
      const free = firstFree(options.clusterCidr, options.nodeCidrMaskSize, used);
      if (free === undefined) {
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        recorder.event(referenceTo(node), 'Normal', 'CIDRNotAvailable', message);
        throw new RangeError(`every part of ${formatCidr(options.clusterCidr)} is given to a node`);
      }
      const podCIDR = formatCidr(free);
      await nodes.update({ ...node, spec: { ...node.spec, podCIDR, podCIDRs: [podCIDR] } });
      logger.info({ node: name, podCIDR }, 'node got its part of the pod network');
    },
  });
}
