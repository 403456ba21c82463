import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.js';
import type { KubeObject } from '../src/resource.js';
import { labelSelectorMatches, parseFieldSelector, parseLabelSelector } from '../src/selectors/index.js';
import { ApiError } from '../src/status/index.js';

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError && error.code === 400) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('label selectors', () => {
  it.each([
    ['', {}, true],
    ['a=1', { a: '1' }, true],
    ['a==1', { a: '2' }, false],
    ['a = 1 , b', { a: '1', b: '' }, true],
    ['a!=1', {}, true],
    ['a!=1', { a: '1' }, false],
    ['a', {}, false],
    ['!a', {}, true],
    ['! a', { a: '' }, false],
    ['a in (1,2)', { a: '2' }, true],
    ['a in (1,2)', {}, false],
    ['a notin (1, 2),b', { b: 'x' }, true],
    ['a notin (1,2)', { a: '1' }, false],
    ['a in (in,notin)', { a: 'notin' }, true],
    ['in in (in)', { in: 'in' }, true],
    ['a in ()', { a: '' }, true],
    ['a in (,x)', { a: '' }, true],
    ['a=', { a: '' }, true],
    ['a=,b=1', { a: '', b: '1' }, true],
    ['a>3', { a: '10' }, true],
    ['a<3', { a: '10' }, false],
    ['a>3', { a: 'x' }, false],
    ['example.com/a=1', { 'example.com/a': '1' }, true],
    ['toString', {}, false],
  ])('%j on %j: %s', (text, labels, matches) => {
    expect(parseLabelSelector(text).matches(labels as { [key: string]: string })).toBe(matches);
  });

  it.each([
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in 1', "unable to parse requirement: found '1' expected: '('"],
    ['a in (1', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (1 2)', "unable to parse requirement: found '2', expected: ',' or ')'"],
    ['a=(', "unable to parse requirement: found '(', expected: identifier"],
    ['!a=1', "found '=', expected: ',' or 'end of string'"],
    ['a=1)', "found ')', expected: ',' or 'end of string'"],
    ['-a', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    ['a=-', 'unable to parse requirement: values[0][a]: Invalid value: "-"'],
    ['a>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators"],
    ['x'.repeat(limits.selectorLengthMaxCharacters + 1), 'may not be longer'],
  ])('refuses %.20j', (text, message) => {
    expect(refusal(() => parseLabelSelector(text))).toContain(message);
  });

  it('every text parses or is refused with 400', () => {
    const character = fc.constantFrom(...Array.from('ab1=!(),<> \\-/.'));
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 20 }), (text) => {
        let outcome: unknown;
        try {
          outcome = parseLabelSelector(text).matches({ a: 'b' });
        } catch (error) {
          outcome = error instanceof ApiError && error.code === 400;
        }
        expect(typeof outcome).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });

  it('in an object', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn' as const, values: ['back'] }],
    };
    expect(labelSelectorMatches(selector, { app: 'web' })).toBe(true);
    expect(labelSelectorMatches(selector, { app: 'web', tier: 'back' })).toBe(false);
    expect(labelSelectorMatches({}, undefined)).toBe(true);
  });
});

describe('field selectors', () => {
  const pods = { group: '', plural: 'pods' };
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n1' },
    status: { phase: 'Running' },
  };

  it.each([
    ['', true],
    ['metadata.name=p', true],
    ['metadata.name=p,metadata.namespace!=default', false],
    ['spec.nodeName==n1,status.phase!=Pending', true],
    ['spec.hostNetwork=false', true],
    ['status.podIP=', true],
    ['spec.nodeName!=', true],
    [',,metadata.name=p,', true],
  ])('%j: %s', (text, matches) => {
    expect(parseFieldSelector(text, pods).matches(pod)).toBe(matches);
  });

  it('reads what the kinds offer', () => {
    const event: KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {},
      involvedObject: { kind: 'Pod', name: 'a,b=c\\' },
      reportingComponent: 'kubelet',
    };
    const events = { group: '', plural: 'events' };
    expect(
      parseFieldSelector('involvedObject.name=a\\,b\\=c\\\\,source=kubelet', events).matches(event),
    ).toBe(true);
    expect(parseFieldSelector('involvedObject.name=a', events).matches(event)).toBe(false);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: {}, spec: { unschedulable: true } };
    expect(parseFieldSelector('spec.unschedulable=true', { group: '', plural: 'nodes' }).matches(node)).toBe(
      true,
    );
    expect(parseFieldSelector('spec.nodeName=n1,metadata.name!=x', pods).exactly('spec.nodeName')).toBe('n1');
    expect(parseFieldSelector('metadata.name!=x', pods).exactly('metadata.name')).toBeUndefined();
  });

  it.each([
    ['status.hostIP=x', pods, 'field label not supported: status.hostIP'],
    ['__proto__=x', pods, 'field label not supported: __proto__'],
    [
      'x=1',
      { group: 'apps', plural: 'deployments' },
      '"x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['metadata.name', pods, "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['metadata.name=a=b', pods, 'invalid field selector: unescaped character in value: ='],
    ['metadata.name=a\\b', pods, 'invalid field selector: invalid escape sequence: \\b'],
    ['metadata.name=a\\', pods, 'invalid field selector: invalid escape sequence: \\'],
  ])('refuses %j', (text, resource, message) => {
    expect(refusal(() => parseFieldSelector(text, resource))).toBe(message);
  });
});
