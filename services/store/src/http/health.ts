import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MetricSource } from '@raftsman/telemetry';
import { ReplicaError, type Replica } from '../contract.js';
import { answerText } from './answers.js';

export interface HealthSource {
  readonly replica: Pick<Replica, 'readIndex' | 'status'>;
  /** Names of the alarms that are raised anywhere: NOSPACE, CORRUPT. */
  readonly alarms: () => readonly string[];
}

export interface HealthCounts {
  success: number;
  failures: number;
}

/** null: well; else what is not. Never rejects but for a bug. */
type Check = (source: HealthSource) => Promise<string | null>;

const localRead: Check = async ({ replica }) =>
  Promise.resolve(replica.status().isWitness ? 'a witness has no data' : null);

const linearizableRead: Check = async ({ replica }) => {
  try {
    await replica.readIndex();
    return null;
  } catch (error) {
    if (!(error instanceof ReplicaError)) throw error;
    return error.code;
  }
};

/** etcd's (3.5.11 and later): `/livez`: restart me if I fail; `/readyz`: send me nothing. */
const checks: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  '/livez': { serializable_read: localRead },
  '/readyz': {
    data_corruption: async ({ alarms }) =>
      Promise.resolve(alarms().includes('CORRUPT') ? 'alarm activated: CORRUPT' : null),
    serializable_read: localRead,
    linearizable_read: linearizableRead,
    non_learner: async ({ replica }) =>
      Promise.resolve(replica.status().isLearner ? 'not supported for learner' : null),
  },
};

/** /health, /livez and /readyz, and a path below the last two for each of their checks. */
export class Health {
  readonly counts: HealthCounts = { success: 0, failures: 0 };
  readonly #source: HealthSource;

  constructor(source: HealthSource) {
    this.#source = source;
  }

  metrics(): readonly MetricSource[] {
    const { counts } = this;
    return [
      {
        name: 'etcd_server_health_success',
        help: 'The total number of successful health checks',
        type: 'counter',
        read: () => counts.success,
      },
      {
        name: 'etcd_server_health_failures',
        help: 'The total number of failed health checks',
        type: 'counter',
        read: () => counts.failures,
      },
    ];
  }

  /** Answers whether the path is one of these. */
  handle(url: URL, request: IncomingMessage, response: ServerResponse): boolean {
    const [, root, name] = /^(\/[a-z]+)(?:\/([a-z_]+))?$/.exec(url.pathname) ?? [];
    const own = checks[root ?? ''];
    const isKnown = url.pathname === '/health' || (own !== undefined && (!name || Object.hasOwn(own, name)));
    if (!isKnown) return false;
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      answerText(response, 405, 'Method Not Allowed');
    } else if (own === undefined) void this.#answerHealth(url, response);
    else void this.#answerChecks(own, name, url, response);
    return true;
  }

  /** Why this member is not well; empty: it is. Of this member alone when `serializable`. */
  async reason(excluded: readonly string[], serializable: boolean): Promise<string> {
    const alarm = this.#source.alarms().find((each) => !excluded.includes(each));
    if (alarm !== undefined) return `ALARM ${alarm}`;
    if (!serializable && this.#source.replica.status().leader === null) return 'RAFT NO LEADER';
    const refusal = await (serializable ? localRead : linearizableRead)(this.#source);
    return refusal === null ? '' : `RANGE ERROR:${refusal}`;
  }

  async #answerHealth({ searchParams }: URL, response: ServerResponse): Promise<void> {
    const serializable = searchParams.get('serializable') === 'true';
    const reason = await this.reason(searchParams.getAll('exclude'), serializable);
    const body = JSON.stringify({ health: reason === '' ? 'true' : 'false', reason });
    this.counts[reason === '' ? 'success' : 'failures'] += 1;
    if (reason !== '') return answerText(response, 503, body);
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(body);
  }

  async #answerChecks(
    all: Readonly<Record<string, Check>>,
    name: string | undefined,
    { searchParams }: URL,
    response: ServerResponse,
  ): Promise<void> {
    const excluded = searchParams.getAll('exclude');
    const names = name === undefined ? Object.keys(all).filter((each) => !excluded.includes(each)) : [name];
    const failures = await Promise.all(names.map((each) => all[each]!(this.#source)));
    const lines = names.map((each, at) =>
      failures[at] === null ? `[+]${each} ok` : `[-]${each} failed: ${failures[at]}`,
    );
    const isWell = failures.every((failure) => failure === null);
    if (isWell && !searchParams.has('verbose')) lines.length = 0;
    if (isWell) lines.push('ok');
    answerText(response, isWell ? 200 : 503, lines.join('\n'));
  }
}
