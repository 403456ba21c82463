/** The house rules that the linter cannot hold: each takes files and answers complaints. Pure, and tested themselves. */

export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A workspace package and what its package.json admits. */
export interface Package {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: readonly string[];
}

const linesMax = 400;

/** Size is a symptom: a file over the limit holds more than one thing. */
export function tooLong(files: readonly SourceFile[]): readonly string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path}: ${lines} lines, over ${linesMax}; split it by message or verb`);
}

/** What is left to do belongs into an issue, where it is seen. */
export function unfinished(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text))
    .map(({ path }) => `${path}: a note of unfinished work; finish it or file an issue`);
}

const rank = (folder: string): number => ['proto', 'libs', 'services', 'test'].indexOf(folder.split('/')[0]!);

/** Imports run one way: proto < libs < services < test. Services do not import each other; only the CLI, which starts them, may. */
export function wrongDirection(
  files: readonly SourceFile[],
  packages: readonly Package[],
): readonly string[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  return files.flatMap(({ path, text }) => {
    const home = packages.find(({ folder }) => path.startsWith(`${folder}/src/`));
    if (home === undefined) return [];
    return importedPackages(text).flatMap((name) => {
      const target = byName.get(name);
      if (target === undefined || target === home) return [];
      const sideways = target.folder.startsWith('services/') && home.name !== '@raftsman/cli';
      if (rank(target.folder) > rank(home.folder) || (sideways && rank(home.folder) >= rank('services'))) {
        return [
          `${path}: imports ${name}; imports run proto < libs < services < test, and services do not know each other`,
        ];
      }
      return home.dependencies.includes(name)
        ? []
        : [`${path}: imports ${name}, which ${home.folder}/package.json does not name`];
    });
  });
}

/** A package's source may import only what its own package.json names: what is hoisted by chance may be gone tomorrow. */
export function undeclaredImports(
  files: readonly SourceFile[],
  packages: readonly Package[],
): readonly string[] {
  return files.flatMap(({ path, text }) => {
    const home = packages.find(({ folder }) => path.startsWith(`${folder}/src/`));
    if (home === undefined) return [];
    return [
      ...text.matchAll(
        /^(?:import|export) [^;]*?from '([^'.][^']*)';|^import '([^'.][^']*)';|import\('([^'.][^']*)'\)/gm,
      ),
    ]
      .map((match) => (match[1] ?? match[2] ?? match[3])!)
      .filter((name) => !name.startsWith('node:') && !name.startsWith('@raftsman/'))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      .filter((name) => !home.dependencies.includes(name))
      .map((name) => `${path}: imports ${name}, which ${home.folder}/package.json does not name`);
  });
}

function importedPackages(text: string): readonly string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(@raftsman\/[a-z-]+)/g)].map((match) => match[1]!);
}

/** Every third-party dependency has a line with its reason in docs/dependencies.md. */
export function unexplainedDependencies(
  packages: readonly Package[],
  dependenciesDoc: string,
): readonly string[] {
  const names = new Set(
    packages.flatMap(({ dependencies }) => dependencies).filter((name) => !name.startsWith('@raftsman/')),
  );
  return [...names]
    .filter((name) => !dependenciesDoc.includes(`\`${name}\``))
    .map((name) => `docs/dependencies.md: no line for ${name}`);
}

/** A package says in its README's first lines what may enter and what may not. */
export function silentReadmes(
  packages: readonly Package[],
  readmes: ReadonlyMap<string, string>,
): readonly string[] {
  return packages
    .filter(({ folder }) => !/may enter/i.test(readmes.get(folder) ?? ''))
    .map(({ folder }) => `${folder}/README.md: say what may enter this package and what may not`);
}

const heavy = new Set(['@grpc/grpc-js', '@grpc/proto-loader', '@grpc/reflection', 'grpc-health-check']);

/** A store keeps in memory what its sources load, used or not: libs/wire/src/grpc.ts loads grpc-js when something dials, and the others are for tests and tools. */
export function loadedForNothing(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => /^(services\/store|libs\/wire)\/src\//.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^(?:import|export) (?!type )[^;]*? from '([^']+)';/gm)]
        .filter(([, name]) => heavy.has(name!))
        .map(([, name]) => `${path}: loads ${name}; take values from libs/wire, and types by "import type"`),
    );
}
