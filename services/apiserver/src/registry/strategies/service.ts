import {
  internal,
  invalid,
  invalidValue,
  required,
  type FieldError,
  type KubeObject,
  type Service,
  type ServicePort,
} from '@raftsman/api';
import type { WriteExtras } from '../../storage/storage.js';
import type { Refusal } from '../allocation/service-allocator.js';
import type { CoreContext } from '../core.js';
import { nameOf } from '../model.js';
import type { Strategy, Taken } from './strategy.js';

type Spec = Service['spec'];
const specOf = (object: KubeObject): Spec => (object as unknown as Service).spec;

const wantsIp = (spec: Spec): boolean => spec.type !== 'ExternalName' && spec.clusterIP !== 'None';
const wantsPorts = (spec: Spec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);

/** Cluster addresses and node ports: kept over updates, claimed with the write, released with the deletion. */
export const serviceStrategy: Strategy = {
  prepareCreate: (object) => {
    object['status'] = { loadBalancer: {} };
  },
  prepareUpdate: (object, old) => keepAllocations(specOf(object), specOf(old)),
  extras: allocate,
  releases: (context, object) => claimsOf(context, specOf(object)),
};

/** A client that leaves out what was allocated means to keep it. */
function keepAllocations(spec: Spec, old: Spec): void {
  if (
    wantsIp(spec) &&
    wantsIp(old) &&
    (spec.clusterIP ?? '') === '' &&
    (spec.clusterIPs ?? []).length === 0
  ) {
    spec.clusterIP = old.clusterIP;
    spec.clusterIPs = old.clusterIPs;
  }
  if (!wantsPorts(spec) || !wantsPorts(old)) return;
  for (const port of spec.ports ?? []) {
    const before = (old.ports ?? []).find((each) => samePort(each, port));
    if ((port.nodePort ?? 0) === 0 && before?.nodePort !== undefined) port.nodePort = before.nodePort;
  }
}

const samePort = (a: ServicePort, b: ServicePort): boolean =>
  a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP');

function claimsOf(context: CoreContext, spec: Spec): readonly string[] {
  const { ipClaim, portClaim } = context.allocator;
  const ips = wantsIp(spec) && (spec.clusterIP ?? '') !== '' ? [ipClaim(spec.clusterIP!)] : [];
  const ports = (spec.ports ?? []).flatMap(({ nodePort = 0 }) => (nodePort > 0 ? [portClaim(nodePort)] : []));
  return [...ips, ...new Set(ports)];
}

async function allocate(
  context: CoreContext,
  object: KubeObject,
  old: KubeObject | null,
  taken: Taken,
): Promise<WriteExtras> {
  const spec = specOf(object);
  const before = new Set(old === null ? [] : claimsOf(context, specOf(old)));
  await allocateIp(context, object, spec, before, taken);
  await allocatePorts(context, object, spec, before, taken);
  const after = new Set(claimsOf(context, spec));
  return {
    claims: [...after].filter((claim) => !before.has(claim)),
    releases: [...before].filter((claim) => !after.has(claim)),
  };
}

function refuse(object: KubeObject, error: FieldError): never {
  throw invalid({ group: '', kind: 'Service' }, nameOf(object), [error]);
}

async function allocateIp(
  context: CoreContext,
  object: KubeObject,
  spec: Spec,
  before: ReadonlySet<string>,
  taken: Taken,
): Promise<void> {
  if (spec.type === 'ExternalName') {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    return;
  }
  spec.clusterIP = (spec.clusterIP ?? '') === '' ? spec.clusterIPs?.[0] : spec.clusterIP;
  if (spec.clusterIP === undefined && (spec.type ?? '') !== '') {
    const chosen = await context.allocator.chooseIp(taken);
    if (chosen === null) throw internal('failed to allocate a serviceIP: range is full');
    spec.clusterIP = chosen;
  } else if (spec.clusterIP !== 'None' && !before.has(context.allocator.ipClaim(spec.clusterIP!))) {
    checkChosenIp(context, object, spec.clusterIP!, taken);
  }
  spec.clusterIPs = [spec.clusterIP!];
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
}

function checkChosenIp(context: CoreContext, object: KubeObject, ip: string, taken: Taken): void {
  const fail = (why: string): never => refuse(object, invalidValue('spec.clusterIPs', [ip], why));
  const refusal: Refusal | null = context.allocator.checkIp(ip);
  if (refusal?.kind === 'malformed') fail('must be a valid IP address, (e.g. 10.9.8.7)');
  if (refusal?.kind === 'out-of-range') {
    fail(
      `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${refusal.valid}`,
    );
  }
  if (taken.has(context.allocator.ipClaim(ip)))
    fail(`failed to allocate IP ${ip}: provided IP is already allocated`);
}

async function allocatePorts(
  context: CoreContext,
  object: KubeObject,
  spec: Spec,
  before: ReadonlySet<string>,
  taken: Taken,
): Promise<void> {
  const { portClaim, checkPort, choosePort } = context.allocator;
  const mine = new Set<string>();
  for (const [at, port] of (spec.ports ?? []).entries()) {
    if (!wantsPorts(spec)) {
      delete port.nodePort;
      continue;
    }
    const field = `spec.ports[${at}].nodePort`;
    if ((port.nodePort ?? 0) === 0) {
      port.nodePort = (await choosePort(new Set([...taken, ...mine]))) ?? undefined;
      if (port.nodePort === undefined) refuse(object, required(field, 'no node port is left'));
    } else if (!before.has(portClaim(port.nodePort!))) {
      const refusal = checkPort(port.nodePort!);
      if (refusal?.kind === 'out-of-range') {
        refuse(
          object,
          invalidValue(
            field,
            port.nodePort,
            `provided port is not in the valid range. The range of valid ports is ${refusal.valid}`,
          ),
        );
      }
      if (taken.has(portClaim(port.nodePort!))) {
        refuse(object, invalidValue(field, port.nodePort, 'provided port is already allocated'));
      }
    }
    mine.add(portClaim(port.nodePort!));
  }
}
