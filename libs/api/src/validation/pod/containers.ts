import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  VolumeDevice,
  VolumeMount,
} from '../../kinds/pod/containers.js';
import type { PodSpec } from '../../kinds/pod/spec.js';
import {
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  required,
  type FieldError,
} from '../../status/index.js';
import { dns1123Label, ipAddress, portName, portNumber } from '../formats.js';
import { child, each, isAbsent, keyed, mustBe, mustHave, repeated, when } from '../path.js';
import { validateEnv, validateEnvFrom } from './env.js';
import { validateLifecycle, validateProbes } from './probes.js';
import { validateResources } from './resources.js';
import { validateSecurityContext } from './security.js';
import { validateRelativePath } from './volumes.js';

/** What containers may refer to in their pod. */
interface PodContext {
  readonly volumes: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

const validatePort = (port: ContainerPort, path: string, { hostNetwork }: PodContext) => {
  const { name, containerPort, hostPort, hostIP, protocol } = port;
  const at = child(path, 'containerPort');
  return [
    ...(isAbsent(name) || name === undefined ? [] : mustBe(portName, name, child(path, 'name'))),
    ...(containerPort === undefined || containerPort === 0
      ? [required(at)]
      : portNumber(containerPort).map((said) => invalidValue(at, containerPort, said))),
    ...(hostPort === undefined || hostPort === 0
      ? []
      : portNumber(hostPort).map((said) => invalidValue(child(path, 'hostPort'), hostPort, said))),
    ...when(hostNetwork && hostPort !== containerPort, () =>
      invalidValue(at, containerPort, 'must match `hostPort` when `hostNetwork` is true'),
    ),
    ...(isAbsent(hostIP) || hostIP === undefined ? [] : mustBe(ipAddress, hostIP, child(path, 'hostIP'))),
    ...when(isAbsent(protocol), () => required(child(path, 'protocol'))),
  ];
};

const validatePorts = (ports: readonly ContainerPort[] | undefined, path: string, pod: PodContext) => [
  ...each(ports, path, (port, at) => validatePort(port, at, pod)),
  ...repeated(ports, ({ name }) => name || undefined).map(({ index, text }) =>
    duplicate(child(keyed(path, index), 'name'), text),
  ),
];

const validateMount = (mount: VolumeMount, path: string, pod: PodContext): readonly FieldError[] => {
  const { name, mountPath, subPath, subPathExpr, readOnly, recursiveReadOnly } = mount;
  return [
    ...(isAbsent(name)
      ? [required(child(path, 'name'))]
      : when(!pod.volumes.has(name), () => fieldNotFound(child(path, 'name'), name))),
    ...when(isAbsent(mountPath), () => required(child(path, 'mountPath'))),
    ...validateRelativePath(subPath, child(path, 'subPath')),
    ...when(!isAbsent(subPath) && !isAbsent(subPathExpr), () =>
      invalidValue(child(path, 'subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
    ),
    ...validateRelativePath(subPathExpr, child(path, 'subPathExpr')),
    ...when(!isAbsent(recursiveReadOnly) && recursiveReadOnly !== 'Disabled' && readOnly !== true, () =>
      forbiddenField(child(path, 'recursiveReadOnly'), 'may only be specified when readOnly is true'),
    ),
  ];
};

const validateMounts = (mounts: readonly VolumeMount[] | undefined, path: string, pod: PodContext) => [
  ...each(mounts, path, (mount, at) => validateMount(mount, at, pod)),
  ...repeated(mounts, ({ mountPath }) => mountPath).map(({ index, text }) =>
    invalidValue(child(keyed(path, index), 'mountPath'), text, 'must be unique'),
  ),
];

const validateDevices = (devices: readonly VolumeDevice[] | undefined, path: string, pod: PodContext) => [
  ...each(devices, path, ({ name, devicePath }, at) => [
    ...(isAbsent(name)
      ? [required(child(at, 'name'))]
      : when(!pod.volumes.has(name), () => fieldNotFound(child(at, 'name'), name))),
    ...(isAbsent(devicePath)
      ? [required(child(at, 'devicePath'))]
      : when(devicePath.split('/').includes('..'), () =>
          invalidValue(child(at, 'devicePath'), devicePath, 'can not contain backsteps (..)'),
        )),
  ]),
  ...repeated(devices, ({ devicePath }) => devicePath).map(({ index, text }) =>
    invalidValue(child(keyed(path, index), 'devicePath'), text, 'must be unique'),
  ),
];

const validateImage = (image: string | undefined, path: string): readonly FieldError[] => {
  if (image === undefined || image === '') return [required(path)];
  return when(image.trim() !== image, () =>
    invalidValue(path, image, 'must not have leading or trailing whitespace'),
  );
};

const validateCommon = (
  container: Container | EphemeralContainer,
  path: string,
  pod: PodContext,
): readonly FieldError[] => [
  ...mustHave(dns1123Label, container.name, child(path, 'name')),
  ...validateImage(container.image, child(path, 'image')),
  ...validatePorts(container.ports, child(path, 'ports'), pod),
  ...validateEnv(container.env, child(path, 'env')),
  ...validateEnvFrom(container.envFrom, child(path, 'envFrom')),
  ...validateMounts(container.volumeMounts, child(path, 'volumeMounts'), pod),
  ...validateDevices(container.volumeDevices, child(path, 'volumeDevices'), pod),
  ...validateResources(container.resources ?? {}, child(path, 'resources'), pod.claims),
  ...validateSecurityContext(container.securityContext, child(path, 'securityContext')),
];

/** What only a container that stays can have. */
const lasting = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

const validateLasting = (container: Container, path: string): readonly FieldError[] => [
  ...(container.lifecycle === undefined
    ? []
    : validateLifecycle(container.lifecycle, child(path, 'lifecycle'))),
  ...validateProbes(container, path),
];

const validateInitContainer = (
  container: Container,
  path: string,
  pod: PodContext,
): readonly FieldError[] => [
  ...validateCommon(container, path, pod),
  ...(container.restartPolicy === 'Always'
    ? validateLasting(container, path)
    : lasting
        .filter((field) => container[field] !== undefined)
        .map((field) =>
          forbiddenField(
            child(path, field),
            'may not be set for init containers without restartPolicy=Always',
          ),
        )),
];

/** Two containers cannot listen on one port of the host. */
const hostPortConflicts = (containers: readonly Container[], path: string): readonly FieldError[] => {
  const ports = containers.flatMap((container, at) =>
    (container.ports ?? []).map((port, index) => ({
      port,
      path: child(keyed(child(keyed(path, at), 'ports'), index), 'hostPort'),
    })),
  );
  const text = ({ port }: (typeof ports)[number]): string | undefined =>
    port.hostPort ? `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}` : undefined;
  return repeated(ports, text).map(({ item, text }) => duplicate(item.path, text));
};

const repeatedNames = (spec: PodSpec, path: string): readonly FieldError[] => {
  const named = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((field) =>
    (spec[field] ?? []).map(({ name }, index) => ({
      name,
      path: child(keyed(child(path, field), index), 'name'),
    })),
  );
  return repeated(named, ({ name }) => name || undefined).map(({ item, text }) => duplicate(item.path, text));
};

export const validateContainers = (spec: PodSpec, path: string): readonly FieldError[] => {
  const pod: PodContext = {
    volumes: new Set((spec.volumes ?? []).map(({ name }) => name)),
    claims: new Set((spec.resourceClaims ?? []).map(({ name }) => name)),
    hostNetwork: spec.hostNetwork === true,
  };
  const containers = spec.containers ?? [];
  return [
    ...when(containers.length === 0, () => required(child(path, 'containers'))),
    ...each(containers, child(path, 'containers'), (container, at) => [
      ...validateCommon(container, at, pod),
      ...validateLasting(container, at),
    ]),
    ...each(spec.initContainers, child(path, 'initContainers'), (container, at) =>
      validateInitContainer(container, at, pod),
    ),
    ...each(spec.ephemeralContainers, child(path, 'ephemeralContainers'), (container, at) =>
      validateCommon(container, at, pod),
    ),
    ...repeatedNames(spec, path),
    ...hostPortConflicts(containers, child(path, 'containers')),
  ];
};
