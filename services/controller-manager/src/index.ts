export { command } from './main.js';
export { run, runControllers } from './run.js';
export { parseConfig, parseControllers, type ControllerManagerConfig } from './config.js';
export { controllerNames, type ControllerName } from './controller-names.js';
export type { Listen } from './controllers.js';
export type { BeatEar } from './node-lifecycle/controller.js';
