import { describeStore } from './store-properties.js';

describeStore();
