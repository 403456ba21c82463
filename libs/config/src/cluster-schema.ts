/** JSON schema of a cluster file, with the defaults that fill it. */

const port = (value: number) => ({ type: 'integer', minimum: 1, maximum: 65_535, default: value }) as const;
const name = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' } as const;
const address = { type: 'string', pattern: '^(\\d{1,3}\\.){3}\\d{1,3}$' } as const;
const cidr = { type: 'string', pattern: '^(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2}$' } as const;
const duration = (value: string) =>
  ({ type: 'string', pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h))+$', default: value }) as const;

export const clusterSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'kind', 'gateway', 'masters', 'workers'],
  properties: {
    name,
    kind: { enum: ['local', 'rack', 'machines'] },
    runtime: { enum: ['process', 'cri'], default: 'cri' },
    podCIDR: { ...cidr, default: '10.244.0.0/16' },
    serviceCIDR: { ...cidr, default: '10.96.0.0/16' },
    gateway: {
      type: 'object',
      additionalProperties: false,
      required: ['address'],
      properties: { address, httpsPort: port(6443), grpcPort: port(7443) },
    },
    nats: {
      type: ['object', 'null'],
      default: null,
      additionalProperties: false,
      required: ['address', 'port'],
      properties: { address, port: port(4222) },
    },
    masters: {
      type: 'array',
      minItems: 1,
      maxItems: 9,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'address'],
        properties: {
          name,
          address,
          storeClientPort: port(2379),
          storePeerPort: port(2380),
          apiserverPort: port(16443),
          apiserverGrpcPort: port(17443),
          natsPort: port(4222),
          natsRoutePort: port(6222),
        },
      },
    },
    witnesses: {
      type: 'array',
      maxItems: 4,
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'address'],
        properties: { name, address, storeClientPort: port(2379), storePeerPort: port(2380) },
      },
    },
    workers: {
      type: 'array',
      maxItems: 250,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'address'],
        properties: {
          name,
          address,
          agentPort: port(10250),
          labels: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
        },
      },
    },
    heartbeatInterval: duration('500ms'),
    nodeMonitorGracePeriod: duration('3s'),
  },
} as const;
