export { up } from './commands/up.js';
export { locate } from './commands/location.js';
export { missingPackages } from './prerequisites.js';
