import { sendText, type Exchange } from './respond.js';

/** Each answers null if all is well, or what is wrong in a few words. */
export type HealthCheck = () => Promise<string | null>;

export interface HealthChecks {
  readonly livez: Readonly<Record<string, HealthCheck>>;
  readonly readyz: Readonly<Record<string, HealthCheck>>;
}

/** /livez, /readyz, /healthz, each check below them, and `?verbose`. false: no such path. */
export async function answerHealth(
  exchange: Exchange,
  checks: HealthChecks,
  path: string,
  query: URLSearchParams,
): Promise<boolean> {
  const [endpoint = '', only, ...rest] = path.split('/').slice(1);
  const all = endpoint === 'livez' ? checks.livez : checks.readyz;
  if (rest.length > 0 || !['livez', 'readyz', 'healthz'].includes(endpoint)) return false;
  const excluded = new Set(query.getAll('exclude'));
  const chosen = Object.entries(all).filter(
    ([name]) => (only === undefined || only === '' || name === only) && !excluded.has(name),
  );
  if (chosen.length === 0 && (only ?? '') !== '') return false;
  const results = await Promise.all(chosen.map(async ([name, check]) => ({ name, problem: await check() })));
  const failed = results.some(({ problem }) => problem !== null);
  if (!failed && !query.has('verbose')) {
    sendText(exchange, 200, 'ok');
    return true;
  }
  const lines = results.map(({ name, problem }) =>
    problem === null ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  sendText(
    exchange,
    failed ? 500 : 200,
    `${[...lines, `${endpoint} check ${failed ? 'failed' : 'passed'}`].join('\n')}\n`,
  );
  return true;
}
