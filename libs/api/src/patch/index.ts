export * from './json-patch.js';
export * from './merge-patch.js';
export * from './options.js';
export * from './patch.js';
export * from './strategic-merge-patch.js';
