import { beforeAll, expect, it } from 'vitest';

beforeAll(() => {
  throw new Error('does not begin');
});
it('is not run', () => expect(1).toBe(1));
