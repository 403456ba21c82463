import { expect, it } from 'vitest';

it('takes its process away', () => {
  expect(process.kill(process.pid, 'SIGKILL')).toBe(true);
});
