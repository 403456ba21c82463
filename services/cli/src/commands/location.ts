import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError, loadClusterConfig } from '@raftsman/config';
import { statePaths } from '../cluster/paths.js';
import type { ClusterAt } from '../cluster/members.js';
import { UserError } from '../errors.js';

export interface LocationOptions {
  readonly config: string;
  readonly stateDir?: string;
}

export function addLocationFlags(command: Command): Command {
  return command
    .option('--config <file>', 'the cluster file', 'cluster-configs/local.yaml')
    .option('--state-dir <folder>', 'where the cluster keeps its files (default: .raftsman/<name>)');
}

/** Reads the cluster file. Throws UserError. */
export function locate(options: LocationOptions): ClusterAt {
  const configFile = resolve(options.config);
  if (!existsSync(configFile))
    throw new UserError(`no cluster file at ${options.config}; name one with --config`);
  try {
    const cluster = loadClusterConfig(configFile);
    return {
      cluster,
      configFile,
      paths: statePaths(resolve(options.stateDir ?? join('.raftsman', cluster.name))),
    };
  } catch (error) {
    if (error instanceof ConfigError) throw new UserError(error.message);
    throw error;
  }
}

/** The entry called `name`. Throws UserError. */
export function named<T extends { readonly name: string }>(
  list: readonly T[],
  name: string,
  what: string,
): T {
  const found = list.find((entry) => entry.name === name);
  if (found === undefined)
    throw new UserError(
      `no ${what} is named ${name}; there are ${list.map((entry) => entry.name).join(', ')}`,
    );
  return found;
}
