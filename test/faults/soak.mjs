// Runs soak-main.ts, which is not compiled: tests are read from their sources.
import { runnerImport } from 'vite';

const conditions = ['raftsman-source', 'node', 'module', 'default'];
const { module } = await runnerImport(new URL('soak-main.ts', import.meta.url).pathname, {
  configFile: false,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
const [directory, phase] = process.argv.slice(2);
process.exit(directory === undefined ? await module.main() : module.judgeKept(directory, phase));
