import type { Secret } from '@raftsman/api';
import type { ImageAuth } from '../runtime/runtime.js';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

/** The registry that an image comes from; no host in its name: Docker Hub. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

/** The credentials for an image's registry in a `kubernetes.io/dockerconfigjson` Secret; undefined: it has none. */
export function registryAuth(secret: Secret, image: string): ImageAuth | undefined {
  const config = secret.data?.['.dockerconfigjson'];
  if (config === undefined) return undefined;
  const registry = registryOf(image);
  for (const [address, entry] of Object.entries(parseAuths(config))) {
    const host = address.replace(/^https?:\/\//, '').split('/')[0]!;
    const matches = host === registry || (registry === 'docker.io' && host === 'index.docker.io');
    if (matches) return credentials(entry, address);
  }
  return undefined;
}

function parseAuths(base64: string): Readonly<Record<string, DockerAuth>> {
  try {
    const config = JSON.parse(Buffer.from(base64, 'base64').toString()) as {
      auths?: Record<string, DockerAuth>;
    };
    return config.auths ?? {};
  } catch (error) {
    // What is no JSON holds no credentials: the pull then says that they are missing.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function credentials(entry: DockerAuth, serverAddress: string): ImageAuth {
  const [username = '', ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString()
    .split(':');
  return {
    username: entry.username ?? username,
    password: entry.password ?? password.join(':'),
    serverAddress,
  };
}
