export * from './resource.js';
export * from './schema.js';
export * from './status/index.js';
