import { Command } from 'commander';
import { componentHealth, readyNodes } from '../cluster/admin.js';
import { UserError } from '../errors.js';
import { addLocationFlags, locate, type LocationOptions } from './location.js';

/** `raftsman status`: how the cluster's parts are. Exit code 1 if any of them is not well. */
export function statusCommand(): Command {
  return addLocationFlags(new Command('status').description("how the cluster's parts are")).action(
    async (options: LocationOptions) => {
      const at = locate(options);
      const components = await componentHealth(at).catch(() => {
        throw new UserError(
          `no apiserver answers at ${at.cluster.gateway.address}:${at.cluster.gateway.httpsPort}; is the cluster up?`,
        );
      });
      const ready = await readyNodes(at);
      const rows = [
        ...components.map(({ name, healthy, message }) => [name, healthy ? 'Healthy' : 'Unhealthy', message]),
        ...at.cluster.workers.map(({ name }) => [name, ready.includes(name) ? 'Ready' : 'NotReady', '']),
      ];
      const width = Math.max(...rows.map(([name]) => name!.length)) + 2;
      for (const [name, state, message] of rows)
        console.log(`${name!.padEnd(width)}${state!.padEnd(11)}${message}`.trimEnd());
      if (rows.some(([, state]) => state === 'Unhealthy' || state === 'NotReady')) process.exitCode = 1;
    },
  );
}
