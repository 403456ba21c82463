import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('a test', () => {
  it('fails', () => expect('one').toBe('two'));
  it('says much', () => {
    expect(1).toBe(1);
    throw new TypeError(`\u001B[31m${'much '.repeat(100)}\u001B[39m\nand more`);
  });
  it('passes', () => expect(1).toBe(1));
});

describe('before all', () => {
  beforeAll(() => {
    throw new Error('does not begin');
  });
  it('is not run', () => expect(1).toBe(1));
});

describe('after all', () => {
  afterAll(() => {
    throw new Error('does not end');
  });
  it('passes', () => expect(1).toBe(1));
});
