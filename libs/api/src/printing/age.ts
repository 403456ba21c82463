const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/**
 * A duration as kubectl prints it: two units where the first alone would be coarse, never more ("118s", "5m30s", "3h", "2d5h", "3y40d").
 * Up to two seconds into the future count as now, since clocks differ; beyond that it is `<invalid>`.
 */
export const humanDuration = (durationMs: number): string => {
  const seconds = Math.trunc(durationMs / SECOND);
  const minutes = Math.trunc(durationMs / MINUTE);
  const hours = Math.trunc(durationMs / HOUR);
  const days = Math.trunc(hours / 24);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * 60) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 3 * 60) return `${minutes}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  if (days < 8 * 365) return pair(Math.trunc(days / 365), 'y', days % 365, 'd');
  return `${Math.trunc(days / 365)}y`;
};

/** The time since `timestamp` (RFC 3339), at `now` in milliseconds since 1970; `<unknown>` without one. */
export const ageOf = (timestamp: string | undefined, now: number): string => {
  const then = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(then) ? '<unknown>' : humanDuration(now - then);
};
