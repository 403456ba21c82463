// Runs soak-main.ts, which is not compiled: tests are read from their sources.
import { runnerImport } from 'vite';

const conditions = ['raftsman-source', 'node', 'module', 'default'];
const { module } = await runnerImport(new URL('soak-main.ts', import.meta.url).pathname, {
  configFile: false,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
process.exit(await module.main());
