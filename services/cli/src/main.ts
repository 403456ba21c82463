import { Command } from 'commander';
import { lineOf } from './errors.js';

/** Services, and what works on their files, are loaded when they are asked for: a store must not carry the apiserver's memory. */
const services: Readonly<Record<string, () => Promise<{ readonly command: () => Command }>>> = {
  store: () => import('@raftsman/store'),
  snapshot: async () => ({ command: (await import('@raftsman/store')).snapshotCommand }),
  apiserver: () => import('@raftsman/apiserver'),
  scheduler: () => import('@raftsman/scheduler'),
  'controller-manager': () => import('@raftsman/controller-manager'),
  gateway: () => import('@raftsman/gateway'),
  agent: () => import('@raftsman/agent'),
  proxy: () => import('@raftsman/proxy'),
  master: async () => ({ command: (await import('./commands/machine.js')).masterCommand }),
  worker: async () => ({ command: (await import('./commands/machine.js')).workerCommand }),
  controllers: async () => ({ command: (await import('./commands/machine.js')).controllersCommand }),
};

async function main(words: readonly string[]): Promise<void> {
  const load = services[words[0] ?? ''];
  if (load !== undefined) {
    await (await load()).command().parseAsync(words.slice(1), { from: 'user' });
    return;
  }
  // Whoever read along has seen enough (`raftsman up | head`); the work goes on.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const { userCommands } = await import('./commands/index.js');
  const program = new Command('raftsman')
    .description('a Kubernetes-compatible orchestrator for the machines people own')
    .version('0.1.0');
  for (const command of userCommands()) program.addCommand(command);
  program.addHelpText('after', `\nServices, one process each: ${Object.keys(services).join(', ')}`);
  await program.parseAsync(words, { from: 'user' });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const line = lineOf(error);
  if (line === null) throw error;
  console.error(`raftsman: ${line}`);
  process.exit(1);
}
