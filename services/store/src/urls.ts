import { isIP } from 'node:net';
import { ConfigError } from './errors.js';

/** `http(s)://host:port`, as etcd's flags take it. */
export interface Url {
  readonly text: string;
  readonly scheme: 'http' | 'https';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** An IP address or localhost: where one can listen. */
  readonly bindable: boolean;
}

const shape = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})\/?$/;

/** Throws ConfigError. */
export function parseUrl(flag: string, text: string): Url {
  const match = shape.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new ConfigError(
      `invalid value "${text}" for ${flag}: expected http://host:port or https://host:port`,
    );
  const host = match[2]!.replace(/^\[|\]$/g, '');
  return {
    text: text.replace(/\/$/, ''),
    scheme: match[1] as 'http' | 'https',
    host,
    port,
    bindable: isIP(host) !== 0 || host === 'localhost',
  };
}

/** A comma-separated list, at least one. Throws ConfigError. */
export function parseUrls(flag: string, text: string): readonly Url[] {
  const urls = text.split(',').map((each) => parseUrl(flag, each.trim()));
  const twice = urls.find((url, index) => urls.findIndex((other) => other.text === url.text) !== index);
  if (twice !== undefined) throw new ConfigError(`${flag} names ${twice.text} twice`);
  return urls;
}

/** `name=url,name=url`; a member with several URLs is named several times. Throws ConfigError. */
export function parseInitialCluster(text: string): ReadonlyMap<string, readonly Url[]> {
  const members = new Map<string, Url[]>();
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    if (name === '')
      throw new ConfigError(`invalid value "${part}" for --initial-cluster: expected name=http://host:port`);
    const url = parseUrl('--initial-cluster', part.slice(at + 1).trim());
    if (seen.has(url.text)) throw new ConfigError(`--initial-cluster names ${url.text} twice`);
    seen.add(url.text);
    members.set(name, [...(members.get(name) ?? []), url]);
  }
  return members;
}

/** host:port, IPv6 in brackets. */
export const targetOf = ({ host, port }: Url): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
