// Steps the wall clock of one Node.js process: `node --import file://<this file>?offset=<file>`, where the latter file holds an offset in milliseconds. Date jumps; performance.now(), process.hrtime() and timers do not, as with a stepped CLOCK_REALTIME.
import { readFileSync } from 'node:fs';

const file = new URL(import.meta.url).searchParams.get('offset');
if (file === null) throw new Error('?offset= names the file with the offset');
const looksEveryMs = 50;

const RealDate = Date;
let offsetMs = 0;

function look() {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    text = '0';
  }
  // A file that is just being written may be empty: the clock stays.
  if (/^-?\d+$/.test(text)) offsetMs = Number(text);
}

class SteppedDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + offsetMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
}

// Date() without `new` answers text.
globalThis.Date = new Proxy(SteppedDate, { apply: () => new SteppedDate().toString() });
look();
setInterval(look, looksEveryMs).unref();
