import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Ajv as AjvClass, ErrorObject, ValidateFunction } from 'ajv';
import { clusterSchema } from './cluster-schema.js';

/** A cluster on paper: what cluster-configs/*.yaml hold. Every port and address has a default that cluster-schema.ts documents. */
export interface ClusterConfig {
  readonly name: string;
  /** `local`: processes of this machine. `rack`: a network namespace for each machine. `machines`: real ones, started one by one. */
  readonly kind: 'local' | 'rack' | 'machines';
  readonly runtime: 'process' | 'cri';
  readonly podCIDR: string;
  readonly serviceCIDR: string;
  readonly gateway: { readonly address: string; readonly httpsPort: number; readonly grpcPort: number };
  readonly masters: readonly MasterConfig[];
  /** Small machines that run a store which votes and keeps no data; fewer than masters. */
  readonly witnesses: readonly StoreMachineConfig[];
  /** One server for everybody; absent: one beside each master, clustered by routes. */
  readonly nats: { readonly address: string; readonly port: number } | null;
  readonly workers: readonly WorkerConfig[];
  readonly heartbeatInterval: string;
  readonly nodeMonitorGracePeriod: string;
}

/** A machine with a member of the store on it. */
export interface StoreMachineConfig {
  readonly name: string;
  readonly address: string;
  readonly storeClientPort: number;
  readonly storePeerPort: number;
}

export interface MasterConfig extends StoreMachineConfig {
  readonly apiserverPort: number;
  readonly apiserverGrpcPort: number;
  readonly natsPort: number;
  readonly natsRoutePort: number;
}

export interface WorkerConfig {
  readonly name: string;
  readonly address: string;
  readonly agentPort: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is wrong with a configuration, in one line. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Loaded by whoever reads a cluster file: 15 MB that a service which only needs the flags does not pay for. */
const load = createRequire(import.meta.url);
let validator: ValidateFunction<ClusterConfig> | null = null;

function schemaValidator(): ValidateFunction<ClusterConfig> {
  const { Ajv } = load('ajv') as { Ajv: typeof AjvClass };
  validator ??= new Ajv({ useDefaults: true, allErrors: false }).compile<ClusterConfig>(clusterSchema);
  return validator;
}

/** Reads a cluster file. Throws ConfigError. */
export function loadClusterConfig(path: string): ClusterConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  return parseClusterConfig(text, path);
}

/** `source` names the text in errors. Throws ConfigError. */
export function parseClusterConfig(text: string, source: string): ClusterConfig {
  const { parse, YAMLParseError } = load('yaml') as typeof Yaml;
  const validate = schemaValidator();
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ConfigError(`${source}: ${error.message.split('\n')[0]}`);
    throw error;
  }
  if (!validate(value)) throw new ConfigError(`${source}: ${describe(validate.errors![0]!)}`);
  if (value.witnesses.length >= value.masters.length && value.witnesses.length > 0)
    throw new ConfigError(`${source}: there must be fewer witnesses than masters`);
  const names = [...value.masters, ...value.witnesses, ...value.workers].map((machine) => machine.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`${source}: two machines are named ${twice}`);
  return value;
}

function describe(error: ErrorObject): string {
  const at = error.instancePath === '' ? 'the file' : error.instancePath.slice(1).replaceAll('/', '.');
  const detail =
    error.keyword === 'additionalProperties' ? `: ${String(error.params.additionalProperty)}` : '';
  return `${at} ${error.message}${detail}`;
}
