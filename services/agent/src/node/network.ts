import { join } from 'node:path';
import type { Node } from '@raftsman/api';
import type { Informer } from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';
import type { AgentConfig } from '../config.js';
import { agentLimits } from '../limits.js';
import { writeCniConfig } from '../runtime/cri/cni.js';
import type { Runtime } from '../runtime/runtime.js';
import { applyRoutes, desiredRoutes } from './routes.js';

export interface NetworkOptions {
  readonly config: Pick<AgentConfig, 'nodeName' | 'rootDir' | 'cniConfDir' | 'nodeRoutes'>;
  readonly runtime: Pick<Runtime, 'updateRuntimeConfig'>;
  readonly nodes: Informer<Node>;
  readonly logger: Logger;
  /** The pod network was set up. */
  readonly changed: () => void;
}

/**
 * Sets up the pod network once the Node has a podCIDR, and keeps the routes to other nodes' pods right, until `signal`
 * aborts. What fails is tried again.
 */
export async function startNetwork(options: NetworkOptions, signal: AbortSignal): Promise<void> {
  let wake = (): void => undefined;
  let dirty = true;
  const notice = (): void => {
    dirty = true;
    wake();
  };
  options.nodes.onChange(notice);
  signal.addEventListener('abort', notice, { once: true });
  let configured: string | undefined;
  while (!signal.aborted) {
    dirty = false;
    let failed = false;
    try {
      configured = await configure(options, configured);
      if (options.config.nodeRoutes && options.nodes.hasSynced)
        await applyRoutes(desiredRoutes(options.nodes.list(), options.config.nodeName), options.logger);
    } catch (error) {
      failed = true;
      options.logger.warn({ err: error }, 'setting up the pod network');
    }
    if (dirty && !failed) continue;
    await new Promise<void>((resolve) => {
      const timer = failed ? setTimeout(resolve, agentLimits.syncRetryMaxMs) : undefined;
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Answers the podCIDR that is set up. */
async function configure(
  options: NetworkOptions,
  configured: string | undefined,
): Promise<string | undefined> {
  const { config, runtime, nodes, logger } = options;
  const podCidr = nodes.get(config.nodeName)?.spec.podCIDR;
  if (podCidr === undefined || podCidr === configured) return configured;
  if (config.cniConfDir !== undefined)
    await writeCniConfig(config.cniConfDir, {
      podCidr,
      dataDir: join(config.rootDir, 'cni'),
    });
  await runtime.updateRuntimeConfig({ podCidr });
  logger.info({ podCidr }, 'the pod network is set up');
  options.changed();
  return podCidr;
}
