export * from './field-selector.js';
export * from './label-selector.js';
