/** The query of /containerLogs, as kubelet takes it: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly limitBytes?: number;
}

/** Pure. Answers the query or, as text, what is wrong with it. */
export function parseLogQuery(query: URLSearchParams, nowMs: number): LogQuery | string {
  const problems: string[] = [];
  const flag = (name: string): boolean => {
    const value = query.get(name);
    if (value === null || value === '' || /^(0|f|F|false|False|FALSE)$/.test(value)) return false;
    if (!/^(1|t|T|true|True|TRUE)$/.test(value)) problems.push(`${name}: expected true or false`);
    return true;
  };
  const whole = (name: string, min: number): number | undefined => {
    const value = query.get(name);
    if (value === null || value === '') return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= min) return number;
    problems.push(`${name}: expected a whole number from ${min}`);
    return undefined;
  };
  const flags = { follow: flag('follow'), previous: flag('previous'), timestamps: flag('timestamps') };
  const tailLines = whole('tailLines', 0);
  const limitBytes = whole('limitBytes', 1);
  const sinceSeconds = whole('sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceTime === null || sinceTime === '' ? undefined : Date.parse(sinceTime);
  if (Number.isNaN(sinceMs)) problems.push('sinceTime: expected an RFC 3339 time');
  if (sinceMs !== undefined && sinceSeconds !== undefined)
    problems.push('at most one of sinceTime or sinceSeconds may be specified');
  if (problems.length > 0) return problems.join('; ');
  const since = sinceMs ?? (sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1_000);
  return {
    ...flags,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { sinceMs: since }),
  };
}
