import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Node } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';

const run = promisify(execFile);

/** Marks the routes that are ours, see rtnetlink(7) `rtm_protocol`: any number that nobody else here uses. */
const routeProtocol = '182';

export interface Route {
  /** A podCIDR. */
  readonly to: string;
  readonly via: string;
}

/** The routes to all other nodes' pods. Pure. */
export function desiredRoutes(nodes: readonly Node[], ownName: string): readonly Route[] {
  return nodes.flatMap(({ metadata, spec, status }) => {
    const via = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const to = spec.podCIDR;
    return metadata.name === ownName || via === undefined || to === undefined ? [] : [{ to, via }];
  });
}

/** Arguments for ip(8) that make `current` the same as `desired`. Pure. */
export function routeCommands(
  current: readonly Route[],
  desired: readonly Route[],
): readonly (readonly string[])[] {
  const has = (routes: readonly Route[], { to, via }: Route): boolean =>
    routes.some((route) => route.to === to && route.via === via);
  const stale = current.filter(({ to }) => !desired.some((route) => route.to === to));
  const fresh = desired.filter((route) => !has(current, route));
  return [
    ...stale.map(({ to }) => ['route', 'del', to, 'proto', routeProtocol]),
    ...fresh.map(({ to, via }) => ['route', 'replace', to, 'via', via, 'proto', routeProtocol]),
  ];
}

/** Puts the kernel's routes right. Rejects if ip(8) does not list them; a route that it refuses is logged, the others go on. */
export async function applyRoutes(desired: readonly Route[], logger: Logger): Promise<void> {
  const { stdout } = await run('ip', ['-json', '-4', 'route', 'show', 'proto', routeProtocol]);
  const listed = JSON.parse(stdout === '' ? '[]' : stdout) as readonly {
    readonly dst: string;
    readonly gateway?: string;
  }[];
  const current = listed.map(({ dst, gateway = '' }) => ({ to: dst, via: gateway }));
  for (const command of routeCommands(current, desired))
    await run('ip', [...command]).catch((error: unknown) => {
      logger.warn({ err: error, command: `ip ${command.join(' ')}` }, 'changing a route');
    });
}
