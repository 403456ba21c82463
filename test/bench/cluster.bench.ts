import { afterAll, beforeAll, describe, it } from 'vitest';
import { createTestCluster, type TestCluster } from '../support/cluster.js';
import { pause } from './load.js';
import { usageOf } from './members.js';
import { settings, wanted } from './settings.js';

const { idleMs } = settings;

/** What `make up` costs while nothing happens: the figures that a Raspberry Pi's owner asks for. */
describe.runIf(wanted('cluster'))('an idle cluster of three masters and three workers', () => {
  let cluster: TestCluster;
  beforeAll(() => {
    cluster = createTestCluster(9);
    cluster.up();
  });
  afterAll(() => cluster.destroy());

  it('memory, CPU and disk writes of each process', async () => {
    await pause(10_000);
    const members = cluster.members();
    const before = new Map(members.map((member) => [member, usageOf(cluster.pid(member))]));
    await pause(idleMs);
    console.log(
      `\nidle for ${idleMs / 1_000} s\n\n| process | resident | CPU | written |\n| --- | --- | --- | --- |`,
    );
    let total = 0;
    for (const member of members) {
      const [first, last] = [before.get(member)!, usageOf(cluster.pid(member))];
      const cpuPercent = ((last.cpuSeconds - first.cpuSeconds) / (idleMs / 1_000)) * 100;
      total += last.residentBytes;
      console.log(
        `| ${member} | ${Math.round(last.residentBytes / 1_048_576)} MB | ${cpuPercent.toFixed(1)} % | ${Math.round((last.writtenBytes - first.writtenBytes) / 1_024)} KiB |`,
      );
    }
    console.log(`| all | ${Math.round(total / 1_048_576)} MB | | |`);
  });
});
