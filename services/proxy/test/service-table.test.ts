import { describe, expect, it } from 'vitest';
import type { EndpointSlice, Service } from '@raftsman/api';
import { serviceTable } from '../src/service-table.js';

const service = (spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec,
});

const slice = (
  endpoints: EndpointSlice['endpoints'],
  ports: EndpointSlice['ports'] = [{ name: 'http', port: 8080, protocol: 'TCP' }],
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-abc', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints,
  ports,
});

const web = service({
  clusterIP: '10.96.0.7',
  clusterIPs: ['10.96.0.7'],
  ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
});

describe('service table', () => {
  it('joins a Service with the ready endpoints of all its slices, by port name', () => {
    const slices = [
      slice([{ addresses: ['10.244.1.5'], conditions: { ready: true } }]),
      slice([
        { addresses: ['10.244.0.3'], conditions: { ready: true } },
        { addresses: ['10.244.0.4'], conditions: { ready: false } },
      ]),
      slice([{ addresses: ['10.244.9.9'] }], [{ name: 'other', port: 1 }]),
    ];
    expect(serviceTable([web], slices)).toEqual([
      {
        name: 'default/web:http',
        clusterIPs: ['10.96.0.7'],
        protocol: 'TCP',
        port: 80,
        nodePort: 0,
        clientIPAffinitySeconds: null,
        endpoints: [
          { address: '10.244.0.3', port: 8080 },
          { address: '10.244.1.5', port: 8080 },
        ],
      },
    ]);
  });

  it('uses terminating endpoints that still serve only when no other is left', () => {
    const leaving = {
      addresses: ['10.244.0.3'],
      conditions: { ready: false, serving: true, terminating: true },
    };
    expect(serviceTable([web], [slice([leaving])])[0]!.endpoints).toHaveLength(1);
    expect(serviceTable([web], [slice([leaving, { addresses: ['10.244.0.4'] }])])[0]!.endpoints).toEqual([
      { address: '10.244.0.4', port: 8080 },
    ]);
  });

  it('leaves out headless Services and external names', () => {
    expect(
      serviceTable([service({ clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 80 }] })], []),
    ).toEqual([]);
    expect(serviceTable([service({ type: 'ExternalName', externalName: 'x.example' })], [])).toEqual([]);
  });

  it('does not take endpoints of another namespace', () => {
    const foreign = slice([{ addresses: ['10.244.0.3'] }]);
    foreign.metadata.namespace = 'other';
    expect(serviceTable([web], [foreign])[0]!.endpoints).toEqual([]);
  });
});
