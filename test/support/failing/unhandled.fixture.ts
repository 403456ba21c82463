import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';

it('leaves a promise behind', async () => {
  void Promise.reject(new Error('nobody waits'));
  await setImmediate();
  expect(1).toBe(1);
});
