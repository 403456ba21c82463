import { InvalidArgumentError } from 'commander';

/** Parsers for commander's options: each answers the value or throws the one line that the user reads. */

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export const port = wholeNumber(0, 65_535);

/** "a,b,c"; empty parts are dropped. */
export function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Go's notation, as Kubernetes' flags take it: "500ms", "4s", "1m30s". Answers milliseconds. */
export function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new InvalidArgumentError('expected a duration such as 500ms, 4s or 1m30s.');
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * units[unit!]!;
  return total;
}

/** "host:port", IPv6 in brackets. */
export function hostPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const number = Number(match?.[3]);
  if (match === null || number > 65_535) throw new InvalidArgumentError('expected host:port.');
  return { host: (match[1] ?? match[2])!, port: number };
}
