import { quantityOf, compareQuantities } from '../../quantity.js';
import type { Container, EphemeralContainer } from './containers.js';
import type { Probe } from './probes.js';
import type { PodSpec } from './spec.js';
import type { Volume } from './volumes.js';

type AnyContainer = Container | EphemeralContainer;

/** An image without a tag or digest means `latest`, which may change under the same name and so is always pulled. */
const isLatest = (image: string): boolean => {
  const [reference = '', digest] = image.split('@');
  const tag = reference.slice(reference.lastIndexOf('/') + 1).split(':')[1];
  return digest === undefined ? tag === undefined || tag === 'latest' : tag === 'latest';
};

export const pullPolicyOf = (image: string): 'Always' | 'IfNotPresent' =>
  isLatest(image) ? 'Always' : 'IfNotPresent';

/** Kubernetes takes a probe's zeros for absent. */
const probeDefaults = (probe: Probe): void => {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
};

const containerDefaults = (container: AnyContainer): void => {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  container.resources ??= {};
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe !== undefined) probeDefaults(probe);
};

/** A volume that names no source is an emptyDir. */
const volumeDefaults = (volume: Volume): void => {
  if (Object.keys(volume).every((field) => field === 'name')) volume.emptyDir = {};
  if (volume.image !== undefined) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
};

/** In the host's network a container's port is the host's. */
const hostPortDefaults = (container: AnyContainer): void => {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
};

/** Of a pod or of a template; `spec` already has its schema's defaults. */
export const podSpecDefaults = (spec: PodSpec): void => {
  const lasting = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  for (const container of [...lasting, ...(spec.ephemeralContainers ?? [])]) containerDefaults(container);
  if (spec.hostNetwork === true) for (const container of lasting) hostPortDefaults(container);
  for (const volume of spec.volumes ?? []) volumeDefaults(volume);
  spec.securityContext ??= {};
  const serviceAccount = spec.serviceAccountName || spec.serviceAccount;
  if (serviceAccount !== undefined && serviceAccount !== '') {
    spec.serviceAccountName = serviceAccount;
    spec.serviceAccount = serviceAccount;
  }
};

/** In a pod, though not in a template, a limit without a request is the request as well. */
export const containerResourceDefaults = ({ resources }: Container): void => {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
};

/** Whether all is asked for, something or nothing: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export const qosClassOf = ({
  initContainers = [],
  containers,
}: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const counted = ['cpu', 'memory'];
  const amounts = [...initContainers, ...containers].map(({ resources }) => ({
    requests: resources?.requests ?? {},
    limits: resources?.limits ?? {},
  }));
  const asksForSomething = ({ requests, limits }: (typeof amounts)[number]): boolean =>
    counted.some((name) =>
      [requests[name], limits[name]].some((it) => it !== undefined && quantityOf(it).nanos > 0n),
    );
  const isGuaranteed = ({ requests, limits }: (typeof amounts)[number]): boolean =>
    counted.every((name) => {
      const limit = limits[name];
      const request = requests[name] ?? limit;
      return (
        limit !== undefined &&
        quantityOf(limit).nanos > 0n &&
        request !== undefined &&
        compareQuantities(quantityOf(request), quantityOf(limit)) === 0
      );
    });
  if (!amounts.some(asksForSomething)) return 'BestEffort';
  return amounts.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
};
