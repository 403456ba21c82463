import type { Endpoint, EndpointSlice } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideSlices } from '../src/endpoint-slice/decide.js';
import { desiredGroups } from '../src/endpoint-slice/desired.js';
import { node, pod, service, stored, template } from './support/objects.js';

const nowhere = () => undefined;
const web = stored(service('web'));

describe('endpoints', () => {
  it('carry readiness, node, zone and the pod', () => {
    const a = stored(pod('a', { ready: true, node: 'n1', podIP: '10.1.0.2', podIPs: [{ ip: '10.1.0.2' }] }));
    const n1 = stored({
      ...node('n1'),
      metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z' } },
    });
    expect(desiredGroups(web, [a], () => n1)).toEqual([
      {
        addressType: 'IPv4',
        ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: ['10.1.0.2'],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: 'n1',
            zone: 'z',
            targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: a.metadata.uid },
          },
        ],
      },
    ]);
  });

  it('of a terminating pod serve but are not ready; ended pods and pods without an address have none', () => {
    const leaving = stored(
      pod('a', { ready: true, podIP: '10.1.0.2', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    );
    const ended = stored(pod('b', { phase: 'Succeeded', podIP: '10.1.0.3' }));
    const starting = stored(pod('c', { phase: 'Pending' }));
    const [group] = desiredGroups(web, [leaving, ended, starting], nowhere);
    expect(group?.endpoints.map(({ conditions }) => conditions)).toEqual([
      { ready: false, serving: true, terminating: true },
    ]);
  });

  it('of one service fall apart by what a named port means to each pod, and by address family', () => {
    const other = pod('b', { podIP: '10.1.0.3' });
    const onAnotherPort = {
      ...other,
      spec: {
        containers: [
          { ...template('v1').spec.containers[0]!, ports: [{ name: 'http', containerPort: 9090 }] },
        ],
      },
    };
    const both = pod('a', { podIP: '10.1.0.2', podIPs: [{ ip: '10.1.0.2' }, { ip: 'fd00::2' }] });
    const dual = stored(service('web', { ipFamilies: ['IPv4', 'IPv6'] }));
    const groups = desiredGroups(dual, [stored(both), stored(onAnotherPort)], nowhere);
    expect(
      groups.map(({ addressType, ports, endpoints }) => [
        addressType,
        ports[0]?.port,
        endpoints.map((each) => each.addresses[0]),
      ]),
    ).toEqual([
      ['IPv4', 8080, ['10.1.0.2']],
      ['IPv4', 9090, ['10.1.0.3']],
      ['IPv6', 8080, ['fd00::2']],
    ]);
  });
});

describe('slices', () => {
  it('reach any set of endpoints with whole slices, no more writes than needed, and none when nothing changed', () => {
    const address = fc.integer({ min: 1, max: 40 });
    const endpoint = (id: number): Endpoint => ({
      addresses: [`10.1.0.${id}`],
      targetRef: { uid: `u${id}` },
    });
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(address, { maxLength: 25 }), { minLength: 1, maxLength: 6 }),
        (rounds) => {
          let slices: Stored<EndpointSlice>[] = [];
          for (const ids of rounds) {
            const group = {
              addressType: 'IPv4' as const,
              ports: [{ name: 'web', port: 80 }],
              endpoints: ids.map(endpoint),
            };
            const apply = () => {
              const changes = decideSlices(web, slices, [group], 5);
              const updated = new Map(changes.update.map((slice) => [slice.metadata.uid, slice]));
              slices = slices
                .filter((slice) => !changes.remove.includes(slice))
                .map((slice) => updated.get(slice.metadata.uid) ?? slice);
              slices.push(
                ...changes.create.map((slice, index) =>
                  stored({ ...slice, metadata: { ...slice.metadata, name: `s${slices.length}${index}` } }),
                ),
              );
              return changes;
            };
            const before = slices;
            const changes = apply();
            const shown = slices.flatMap(({ endpoints = [] }) =>
              endpoints.map(({ addresses }) => addresses[0]),
            );
            expect(new Set(shown)).toEqual(new Set(ids.map((id) => `10.1.0.${id}`)));
            expect(shown).toHaveLength(ids.length);
            for (const { endpoints = [] } of slices) expect(endpoints.length).toBeLessThanOrEqual(5);
            expect(slices.length).toBeGreaterThan(0);
            expect(changes.update.length).toBeLessThanOrEqual(before.length);
            expect(apply()).toEqual({ create: [], update: [], remove: [] });
          }
        },
      ),
    );
  });

  it('are the service’s own, by label and owner', () => {
    const headless = stored({
      ...service('db', { clusterIP: 'None' }),
      metadata: { name: 'db', namespace: 'default', labels: { tier: 'data' } },
    });
    const [slice] = decideSlices(
      headless,
      [],
      [{ addressType: 'IPv4', ports: [], endpoints: [] }],
      100,
    ).create;
    expect(slice?.metadata).toMatchObject({
      generateName: 'db-',
      labels: {
        tier: 'data',
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'service.kubernetes.io/headless': '',
      },
      ownerReferences: [{ kind: 'Service', name: 'db', uid: headless.metadata.uid, controller: true }],
    });
  });
});
