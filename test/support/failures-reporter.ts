import { fstatSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule, TestSuite } from 'vitest/node';

/** Of a message's first line, in characters: a log of which only the last 8 kB are shown still names dozens of failures. */
const messageCharactersMax = 200;

/**
 * Says at the very end of a run what failed, one line each: tests; hooks and files, whose tests then are skipped and not failed; errors that no test owns.
 * Comes after the reporters that print summaries.
 */
export class FailuresReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines = [...modules.flatMap(failuresOf), ...unhandled.map(unhandledLine)];
    if (lines.length > 0) say(`\n${lines.map((line) => `FAILED ${line}\n`).join('')}`);
  }
}

/** Vitest writes summaries to the output and reasons to the error output: where these are two files, both end with what failed. */
function say(text: string): void {
  const [output, errors] = [fstatSync(process.stdout.fd), fstatSync(process.stderr.fd)];
  process.stdout.write(text);
  if (output.dev !== errors.dev || output.ino !== errors.ino) process.stderr.write(text);
}

function failuresOf(module: TestModule): readonly string[] {
  const file = module.relativeModuleId;
  const lines = [
    ...module.errors().map((error) => failure(file, 'the file or a hook', error)),
    ...[...module.children.allSuites()].flatMap((suite: TestSuite) =>
      suite.errors().map((error) => failure(file, `${suite.fullName} > a hook`, error)),
    ),
    ...[...module.children.allTests('failed')].map((test) =>
      failure(file, test.fullName, test.result().errors?.[0]),
    ),
  ];
  if (lines.length > 0 || module.state() === 'passed' || module.state() === 'skipped') return lines;
  return [failure(file, 'the file', { message: `did not come to its end (${module.state()})` })];
}

/** Vitest notes the file and the test that ran when the error came up, which need not be those that made it. */
function unhandledLine(error: SerializedError): string {
  const at = (field: string): string => (typeof error[field] === 'string' ? error[field] : '');
  const place = at('VITEST_TEST_PATH').replace(`${process.cwd()}/`, '') || 'no file';
  return failure(place, `unhandled ${at('VITEST_TEST_NAME')}`.trim(), error);
}

function failure(file: string, what: string, error: SerializedError | undefined): string {
  const [message = ''] = stripVTControlCharacters(error?.message ?? 'no message').split('\n');
  const name = error?.name === undefined || error.name === 'Error' ? '' : `${error.name}: `;
  return `${file} > ${what}: ${`${name}${message}`.slice(0, messageCharactersMax)}`;
}
