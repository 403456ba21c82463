// `node --import file://<this file>?plan=<JSON>`: sabotages the process by the replacements in the plan.
import { register } from 'node:module';

const plan = new URL(import.meta.url).searchParams.get('plan');
register('./replace.mjs', import.meta.url, { data: JSON.parse(plan) });
