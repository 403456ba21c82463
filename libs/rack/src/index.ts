export { RackError } from './command.js';
export {
  containerdPaths,
  importImage,
  powerOffContainerd,
  prepareContainerd,
  waitForContainerd,
  type ContainerdPaths,
} from './containerd.js';
export { isStatic, rackImages, writeBusyboxImages } from './image.js';
export { rackLimits } from './limits.js';
export { createRack, destroyRack, isWhole, processesIn, setLink } from './network.js';
export { inMachine, rackPlan, type RackMachine, type RackPlan } from './plan.js';
