import type { Command } from 'commander';
import { initCommand } from './init.js';
import { demoCommand } from './demo.js';
import { cleanCommand, downCommand } from './down.js';
import { faultCommand } from './fault.js';
import { statusCommand } from './status.js';
import { upCommand } from './up.js';

/** What people type, besides the services. */
export function userCommands(): readonly Command[] {
  return [
    upCommand(),
    initCommand(),
    downCommand(),
    cleanCommand(),
    statusCommand(),
    demoCommand(),
    faultCommand(),
  ];
}
