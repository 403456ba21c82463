import type { Node, Pod } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isNotFound,
  keyOf,
  kinds,
  type Change,
  type Controller,
  type Stored,
} from '@raftsman/client';
import type { ControllerContext } from '../context.js';
import { serviceNameLabel } from '../informers.js';
import { sameJson } from '../json.js';
import { controllerLimits } from '../limits.js';
import { matchesSelector, randomSuffix } from '../pods.js';
import { Expectations } from '../replica-set/expectations.js';
import { decideSlices, managedBy, managedByLabel } from './decide.js';
import { desiredGroups } from './desired.js';

/** Names are at most a DNS label long; the suffix keeps its room. */
const generatedBaseLengthMax = 58;

export function createEndpointSliceController(context: ControllerContext): Controller {
  const { informers, logger, clock, random } = context;
  const queue = createWorkQueue();
  const expectations = new Expectations();
  const enqueue = (key: string): void => queue.addAfter(key, controllerLimits.endpointBatchMs);
  informers.services.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  informers.pods.onChange((change) => {
    for (const key of servicesOf(context, change)) enqueue(key);
  });
  informers.endpointSlices.onChange(({ before, after }) => {
    const slice = (after ?? before)!;
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (service === undefined || slice.metadata.labels?.[managedByLabel] !== managedBy) return;
    const key = `${slice.metadata.namespace}/${service}`;
    expectations.observed(key, keyOf(slice));
    queue.add(key);
  });
  informers.nodes.onChange((change) => {
    for (const pod of zoneChanged(change)
      ? informers.pods.by('node', (change.after ?? change.before)!.metadata.name)
      : []) {
      for (const key of servicesOf(context, { before: undefined, after: pod })) enqueue(key);
    }
  });
  return createController({
    name: 'endpointslice',
    queue,
    reconcile: (key) => reconcile(context, expectations, key),
    workers: controllerLimits.workers,
    synced: [informers.services, informers.pods, informers.endpointSlices, informers.nodes],
    logger,
  });

  async function reconcile(
    _: ControllerContext,
    waiting: Expectations,
    key: string,
  ): Promise<{ afterMs: number } | void> {
    const service = informers.services.get(key);
    const selector = service?.spec.selector ?? {};
    const selects = Object.keys(selector).length > 0 && service?.spec.type !== 'ExternalName';
    // Slices of a Service that is gone go by their owner reference.
    if (service === undefined || !selects || service.metadata.deletionTimestamp !== undefined)
      return undefined;
    const waitMs = waiting.waitMs(key, clock.monotonicMs());
    if (waitMs > 0) return { afterMs: waitMs };
    const pods = informers.pods
      .by('namespace', service.metadata.namespace ?? '')
      .filter((pod) => matchesSelector({ matchLabels: selector }, pod.metadata.labels));
    const existing = informers.endpointSlices
      .by('service', key)
      .filter(
        ({ metadata }) =>
          metadata.labels?.[managedByLabel] === managedBy && metadata.deletionTimestamp === undefined,
      );
    const groups = desiredGroups(service, pods, (name) => informers.nodes.get(name));
    const { create, update, remove } = decideSlices(
      service,
      existing,
      groups,
      controllerLimits.endpointsPerSliceMax,
    );
    const slices = context.client.of(kinds.endpointSlices);
    for (const slice of update) await slices.update(slice);
    for (const slice of create) {
      const base = (slice.metadata.generateName ?? '').slice(0, generatedBaseLengthMax);
      const named = { ...slice, metadata: { ...slice.metadata, name: `${base}${randomSuffix(random)}` } };
      waiting.expect(key, keyOf(named), clock.monotonicMs());
      try {
        await slices.create(named);
      } catch (error) {
        waiting.observed(key, keyOf(named));
        throw error;
      }
    }
    for (const { metadata } of remove) {
      try {
        await slices.delete(metadata, { uid: metadata.uid });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return undefined;
  }
}

/** The Services whose endpoints a pod's change touches. */
function servicesOf({ informers }: ControllerContext, { before, after }: Change<Pod>): string[] {
  if (before !== undefined && after !== undefined && !matters(before, after)) return [];
  const pod = (after ?? before)!;
  return informers.services
    .by('namespace', pod.metadata.namespace ?? '')
    .filter(({ spec: { selector = {} } }) => {
      if (Object.keys(selector).length === 0) return false;
      return [before, after].some(
        (each) => each !== undefined && matchesSelector({ matchLabels: selector }, each.metadata.labels),
      );
    })
    .map(keyOf);
}

/** Whether anything changed that an endpoint shows. */
function matters(before: Stored<Pod>, after: Stored<Pod>): boolean {
  const shown = ({ metadata, spec, status }: Stored<Pod>): unknown => [
    metadata.labels,
    metadata.deletionTimestamp,
    spec.nodeName,
    status?.phase,
    status?.podIP,
    status?.podIPs,
    status?.conditions?.find(({ type }) => type === 'Ready')?.status,
  ];
  return !sameJson(shown(before), shown(after));
}

const zoneOf = (node: Stored<Node> | undefined): string | undefined =>
  node?.metadata.labels?.['topology.kubernetes.io/zone'];

const zoneChanged = ({ before, after }: Change<Node>): boolean =>
  after !== undefined && zoneOf(before) !== zoneOf(after);
