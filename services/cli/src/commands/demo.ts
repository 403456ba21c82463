import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { parseAllDocuments } from 'yaml';
import { createTimeline } from '../demo/timeline.js';
import { tour } from '../demo/tour.js';
import { addLocationFlags, locate, type LocationOptions } from './location.js';
import { up } from './up.js';

const exampleFile = fileURLToPath(new URL('../../../../examples/hello.yaml', import.meta.url));

/** `raftsman demo`: a tour of the cluster's self-healing, with measured times. */
export function demoCommand(): Command {
  return addLocationFlags(
    new Command('demo').description('deploy, kill a leader, kill a worker, watch it heal'),
  ).action(async (options: LocationOptions) => {
    const at = locate(options);
    const say = (line: string): void => console.log(line);
    const [deployment] = parseAllDocuments(readFileSync(exampleFile, 'utf8')).map(
      (document) => document.toJS() as object,
    );
    const timeline = createTimeline(say, () => performance.now());
    await tour(at, timeline, deployment!);
    timeline.mark('start what was killed');
    await up(at, () => undefined);
    timeline.mark('all masters and workers are back');
    say(
      `\nmeasured:\n${timeline
        .figures()
        .map((figure) => `  ${figure}`)
        .join('\n')}`,
    );
  });
}
