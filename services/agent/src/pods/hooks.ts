import type { Container, LifecycleHandler } from '@raftsman/api';
import { execProbe, httpProbe, tcpProbe, type ProbeResult, type ProbeTarget } from '../probes/run-probe.js';

/** Runs a postStart or preStop handler. Rejects with why it failed. */
export async function runHook(
  handler: LifecycleHandler,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<void> {
  let result: ProbeResult = { passed: true, output: '' };
  if (handler.exec !== undefined) result = await execProbe(handler.exec, target, timeoutMs);
  else if (handler.httpGet !== undefined) result = await httpProbe(handler.httpGet, target, timeoutMs);
  else if (handler.tcpSocket !== undefined) result = await tcpProbe(handler.tcpSocket, target, timeoutMs);
  else if (handler.sleep !== undefined) await sleep(Math.min(handler.sleep.seconds * 1_000, timeoutMs));
  if (!result.passed) throw new Error(result.output === '' ? 'it answered with a failure' : result.output);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const hookOf = (
  container: Container | undefined,
  which: 'postStart' | 'preStop',
): LifecycleHandler | undefined => container?.lifecycle?.[which];
