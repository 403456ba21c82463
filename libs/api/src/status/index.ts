export * from './api-error.js';
export * from './errors.js';
export * from './field-error.js';
export * from './grpc.js';
