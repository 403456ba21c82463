// `raftsman store` alone, from what the compiler made.
import { command } from '../dist/index.js';

await command().parseAsync(process.argv.slice(2), { from: 'user' });
