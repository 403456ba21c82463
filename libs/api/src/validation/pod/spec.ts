import type { Pod } from '../../kinds/pod/pod.js';
import type { PodSpec } from '../../kinds/pod/spec.js';
import { forbiddenField, invalidValue, required, type FieldError } from '../../status/index.js';
import { dns1123Label, dns1123Subdomain, ipAddress, qualifiedName, type FormatCheck } from '../formats.js';
import { between, child, each, mustBe, notNegative, when } from '../path.js';
import { validateLabels } from '../metadata.js';
import { validateContainers } from './containers.js';
import { validateResourceList } from './resources.js';
import {
  validateAffinity,
  validateGates,
  validateTolerations,
  validateTopologySpread,
} from './scheduling.js';
import { validatePodSecurityContext } from './security.js';
import { validateVolumes } from './volumes.js';

const DEADLINE_SECONDS_MAX = 2 ** 31 - 1;
const NAMESERVERS_MAX = 3;

const validateDns = ({ dnsPolicy, dnsConfig }: PodSpec, path: string): readonly FieldError[] => {
  const servers = child(path, 'dnsConfig', 'nameservers');
  const nameservers = dnsConfig?.nameservers ?? [];
  return [
    ...when(dnsPolicy === 'None' && dnsConfig === undefined, () =>
      required(child(path, 'dnsConfig'), 'must provide `dnsConfig` when `dnsPolicy` is None'),
    ),
    ...when(dnsPolicy === 'None' && dnsConfig !== undefined && nameservers.length === 0, () =>
      required(servers, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
    ),
    ...when(nameservers.length > NAMESERVERS_MAX, () =>
      invalidValue(servers, nameservers, `must not have more than ${NAMESERVERS_MAX} nameservers`),
    ),
    ...each(nameservers, servers, (server, at) => mustBe(ipAddress, server, at)),
    ...each(dnsConfig?.options, child(path, 'dnsConfig', 'options'), ({ name = '' }, at) =>
      when(name === '', () => required(at, 'must not be empty')),
    ),
  ];
};

const optional = (check: FormatCheck, value: string | undefined, path: string): readonly FieldError[] =>
  value === undefined || value === '' ? [] : mustBe(check, value, path);

const validateNames = (spec: PodSpec, path: string): readonly FieldError[] => [
  ...optional(dns1123Subdomain, spec.serviceAccountName, child(path, 'serviceAccountName')),
  ...optional(dns1123Subdomain, spec.nodeName, child(path, 'nodeName')),
  ...optional(dns1123Label, spec.hostname, child(path, 'hostname')),
  ...optional(dns1123Label, spec.subdomain, child(path, 'subdomain')),
  ...optional(dns1123Subdomain, spec.priorityClassName, child(path, 'priorityClassName')),
  ...optional(dns1123Subdomain, spec.runtimeClassName, child(path, 'runtimeClassName')),
  ...each(spec.imagePullSecrets, child(path, 'imagePullSecrets'), ({ name = '' }, at) =>
    when(name === '', () => required(child(at, 'name'))),
  ),
  ...each(spec.hostAliases, child(path, 'hostAliases'), ({ ip, hostnames }, at) => [
    ...mustBe(ipAddress, ip ?? '', child(at, 'ip')),
    ...each(hostnames, child(at, 'hostnames'), (hostname, at) => mustBe(dns1123Subdomain, hostname, at)),
  ]),
  ...each(spec.readinessGates, child(path, 'readinessGates'), ({ conditionType }, at) =>
    mustBe(qualifiedName, conditionType ?? '', child(at, 'conditionType')),
  ),
];

/** Of a pod, and of a template for pods. */
export const validatePodSpec = (spec: PodSpec, path: string): readonly FieldError[] => [
  ...between(spec.activeDeadlineSeconds, child(path, 'activeDeadlineSeconds'), [1, DEADLINE_SECONDS_MAX]),
  ...notNegative(spec.terminationGracePeriodSeconds, child(path, 'terminationGracePeriodSeconds')),
  ...validateVolumes(spec.volumes, child(path, 'volumes')),
  ...validateContainers(spec, path),
  ...validateLabels(spec.nodeSelector, child(path, 'nodeSelector')),
  ...validatePodSecurityContext(spec.securityContext, child(path, 'securityContext')),
  ...validateNames(spec, path),
  ...validateAffinity(spec.affinity, child(path, 'affinity')),
  ...validateDns(spec, path),
  ...validateTolerations(spec.tolerations, child(path, 'tolerations')),
  ...validateTopologySpread(spec.topologySpreadConstraints, child(path, 'topologySpreadConstraints')),
  ...validateGates(spec.schedulingGates, child(path, 'schedulingGates')),
  ...validateResourceList(spec.overhead, child(path, 'overhead')),
];

export const validatePod = ({ spec }: Pod): readonly FieldError[] => [
  ...validatePodSpec(spec, 'spec'),
  ...when((spec.ephemeralContainers ?? []).length > 0, () =>
    forbiddenField('spec.ephemeralContainers', 'cannot be set on create'),
  ),
  ...when((spec.schedulingGates ?? []).length > 0 && (spec.nodeName ?? '') !== '', () =>
    forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'),
  ),
];
