import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  loadedForNothing,
  silentReadmes,
  tooLong,
  undeclaredImports,
  unexplainedDependencies,
  unfinished,
  wrongDirection,
  type Package,
  type SourceFile,
} from './rules.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

const sources: readonly SourceFile[] = listed
  .filter((path) => path.endsWith('.ts') && !path.startsWith('proto/gen/'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

interface PackageJson {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}
const readPackage = (folder: string): Package => {
  const {
    name,
    dependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageJson;
  return { folder, name, dependencies: [...Object.keys(dependencies), ...Object.keys(devDependencies)] };
};
const packages = listed
  .filter((path) => path.endsWith('/package.json'))
  .map((path) => readPackage(dirname(path)));
const read = (path: string): string =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '';

describe('the house', () => {
  it('has no file that people dread', () => expect(tooLong(sources)).toEqual([]));
  it('has no unfinished corner', () =>
    expect(unfinished(sources.filter(({ path }) => !path.startsWith('test/house/')))).toEqual([]));
  it('imports one way, and only what package.json names', () =>
    expect([...wrongDirection(sources, packages), ...undeclaredImports(sources, packages)]).toEqual([]));
  it('does not make a store carry what it may never use', () =>
    expect(loadedForNothing(sources)).toEqual([]));
  it('explains every dependency', () =>
    expect(unexplainedDependencies([...packages, readPackage('.')], read('docs/dependencies.md'))).toEqual(
      [],
    ));
  it('says what may enter each package', () => {
    const readmes = new Map(packages.map(({ folder }) => [folder, read(`${folder}/README.md`)]));
    expect(silentReadmes(packages, readmes)).toEqual([]);
  });
});

describe('the house rules bite', () => {
  const lib: Package = { folder: 'libs/a', name: '@raftsman/a', dependencies: ['left-pad'] };
  const service: Package = { folder: 'services/s', name: '@raftsman/s', dependencies: ['@raftsman/a'] };
  const other: Package = { folder: 'services/t', name: '@raftsman/t', dependencies: [] };
  const all = [lib, service, other];
  const file = (path: string, text: string): SourceFile => ({ path, text });

  it('on a long file', () => expect(tooLong([file('a.ts', 'x\n'.repeat(401))])).toHaveLength(1));
  it('on unfinished work', () => expect(unfinished([file('a.ts', '// TODO: later')])).toHaveLength(1));
  it('on a lib that imports a service', () => {
    expect(wrongDirection([file('libs/a/src/x.ts', "import { s } from '@raftsman/s';")], all)).toHaveLength(
      1,
    );
  });
  it('on a service that imports another', () => {
    expect(wrongDirection([file('services/s/src/x.ts', "await import('@raftsman/t')")], all)).toHaveLength(1);
  });
  it('on a dependency that package.json does not name, and not on one that it does', () => {
    expect(
      wrongDirection([file('services/t/src/x.ts', "import { a } from '@raftsman/a';")], all),
    ).toHaveLength(1);
    expect(wrongDirection([file('services/s/src/x.ts', "import { a } from '@raftsman/a';")], all)).toEqual(
      [],
    );
  });
  it('on an import that is there only by chance', () => {
    const text = "import { a } from 'left-pad';\nimport type { B } from '@scope/right-pad/sub.js';";
    expect(undeclaredImports([file('libs/a/src/x.ts', text)], all)).toEqual([
      'libs/a/src/x.ts: imports @scope/right-pad, which libs/a/package.json does not name',
    ]);
  });
  it('on what a store would load for nothing, and not on types', () => {
    const text = "import type { Client } from '@grpc/grpc-js';\nimport {\n  status,\n} from '@grpc/grpc-js';";
    expect(loadedForNothing([file('services/store/src/x.ts', text)])).toHaveLength(1);
    expect(loadedForNothing([file('services/apiserver/src/x.ts', text)])).toEqual([]);
  });
  it('on a dependency without a reason', () => {
    expect(unexplainedDependencies(all, '')).toEqual(['docs/dependencies.md: no line for left-pad']);
    expect(unexplainedDependencies(all, '| `left-pad` | pads |')).toEqual([]);
  });
  it('on a README that says nothing', () =>
    expect(silentReadmes([lib], new Map([['libs/a', '# a']]))).toHaveLength(1));
});
