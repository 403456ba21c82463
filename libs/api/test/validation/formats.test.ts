import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { cidr, isIPv4, isIPv6 } from '../../src/validation/formats.js';

test.each([
  '1.2.3.4',
  '255.255.255.255',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3',
  '1.2.3.4.',
  '1.2.3.4.5',
  '::',
  '::1',
  '1::',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  ':::',
  ':1',
  '1:',
  '12345::',
  'g::',
  '::ffff:1.2.3.4',
  '::1.2.3',
  '1:2:3:4:5:6:1.2.3.4',
  '1:2:3:4:5:6:7:1.2.3.4',
  '',
  ':',
  'localhost',
])('%j is an address as the operating system sees it', (text) => {
  expect(isIPv4(text)).toBe(isIP(text) === 4);
  expect(isIPv6(text)).toBe(isIP(text) === 6);
});

test('ranges', () => {
  for (const good of ['10.0.0.0/8', '0.0.0.0/0', '2001:db8::/64']) expect(cidr(good)).toEqual([]);
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '::/129', '10.0.0.0/8/8', '/8', 'a/8'])
    expect(cidr(bad)).not.toEqual([]);
});
