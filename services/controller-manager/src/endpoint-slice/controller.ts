import type { EndpointSlice, Node, Pod } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isNotFound,
  keyOf,
  kinds,
  type Change,
  type Controller,
  type Requeue,
  type ResourceClient,
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
  const { informers, logger } = context;
  const queue = createWorkQueue();
  const slices = new EndpointSliceController(context);
  const enqueueLater = (change: Change<Pod>): void => {
    for (const key of servicesOf(context, change)) queue.addAfter(key, controllerLimits.endpointBatchMs);
  };
  informers.services.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  informers.pods.onChange(enqueueLater);
  informers.endpointSlices.onChange((change) => {
    const key = slices.sliceChanged(change);
    if (key !== undefined) queue.add(key);
  });
  informers.nodes.onChange((change) => {
    if (!zoneChanged(change)) return;
    for (const pod of informers.pods.by('node', change.after!.metadata.name)) {
      enqueueLater({ before: undefined, after: pod });
    }
  });
  return createController({
    name: 'endpointslice',
    queue,
    reconcile: (key) => slices.reconcile(key),
    workers: controllerLimits.workers,
    synced: [informers.services, informers.pods, informers.endpointSlices, informers.nodes],
    logger,
  });
}

class EndpointSliceController {
  readonly #context: ControllerContext;
  readonly #slices: ResourceClient<EndpointSlice>;
  /** Slices that were made and that the cache does not show yet. */
  readonly #expectations = new Expectations();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#slices = context.client.of(kinds.endpointSlices);
  }

  /** The key of the Service that a slice of ours belongs to. */
  sliceChanged({ before, after }: Change<EndpointSlice>): string | undefined {
    const slice = (after ?? before)!;
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (service === undefined || !isOurs(slice)) return undefined;
    const key = `${slice.metadata.namespace}/${service}`;
    this.#expectations.observed(key, keyOf(slice));
    return key;
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { informers, clock } = this.#context;
    const service = informers.services.get(key);
    // Slices of a Service that is gone go by their owner reference.
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return undefined;
    const { selector = {}, type } = service.spec;
    if (Object.keys(selector).length === 0 || type === 'ExternalName') return undefined;
    const waitMs = this.#expectations.waitMs(key, clock.monotonicMs());
    if (waitMs > 0) return { afterMs: waitMs };
    const pods = informers.pods
      .by('namespace', service.metadata.namespace ?? '')
      .filter((pod) => matchesSelector({ matchLabels: selector }, pod.metadata.labels));
    const existing = informers.endpointSlices
      .by('service', key)
      .filter((slice) => isOurs(slice) && slice.metadata.deletionTimestamp === undefined);
    const groups = desiredGroups(service, pods, (name) => informers.nodes.get(name));
    const changes = decideSlices(service, existing, groups, controllerLimits.endpointsPerSliceMax);
    for (const slice of changes.update) await this.#slices.update(slice);
    for (const slice of changes.create) await this.#create(key, slice);
    for (const slice of changes.remove) await this.#remove(slice);
    return undefined;
  }

  /** Named here and not by the server, so that the call can be repeated without making two. */
  async #create(key: string, slice: EndpointSlice): Promise<void> {
    const { random, clock } = this.#context;
    const base = (slice.metadata.generateName ?? '').slice(0, generatedBaseLengthMax);
    const named = { ...slice, metadata: { ...slice.metadata, name: `${base}${randomSuffix(random)}` } };
    this.#expectations.expect(key, keyOf(named), clock.monotonicMs());
    try {
      await this.#slices.create(named);
    } catch (error) {
      this.#expectations.observed(key, keyOf(named));
      throw error;
    }
  }

  async #remove({ metadata }: Stored<EndpointSlice>): Promise<void> {
    try {
      await this.#slices.delete(metadata, { uid: metadata.uid });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const isOurs = ({ metadata }: Stored<EndpointSlice>): boolean =>
  metadata.labels?.[managedByLabel] === managedBy;

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
