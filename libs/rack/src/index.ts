export { RackError } from './command.js';
export {
  containerdPaths,
  importImage,
  prepareContainerd,
  removeContainers,
  waitForContainerd,
  type ContainerdPaths,
} from './containerd.js';
export { rackImages, writeBusyboxImages } from './image.js';
export { rackLimits } from './limits.js';
export { createRack, destroyRack, setLink } from './network.js';
export { inMachine, rackPlan, type RackMachine, type RackPlan } from './plan.js';
