import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, ExecAction, HTTPGetAction, Probe, TCPSocketAction } from '@raftsman/api';
import { agentLimits } from '../limits.js';
import { RuntimeError, type Runtime } from '../runtime/runtime.js';
import { checkGrpcHealth } from './grpc-health.js';

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly runtime: Pick<Runtime, 'execSync'>;
}

export interface ProbeResult {
  readonly passed: boolean;
  /** Kubelet's words: "HTTP probe failed with statuscode: 500". */
  readonly output: string;
}

/** One try. Never rejects: whatever goes wrong is a failed try. */
export async function runProbe(probe: Probe, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  try {
    if (probe.exec !== undefined) return await execProbe(probe.exec, target, timeoutMs);
    if (probe.httpGet !== undefined) return await httpProbe(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket !== undefined) return await tcpProbe(probe.tcpSocket, target, timeoutMs);
    if (probe.grpc !== undefined) {
      const address = `${target.podIp}:${probe.grpc.port}`;
      const status = await checkGrpcHealth(address, probe.grpc.service ?? '', timeoutMs);
      const passed = status === 'SERVING';
      return { passed, output: passed ? '' : `service unhealthy (responded with "${status}")` };
    }
    return { passed: true, output: '' };
  } catch (error) {
    return { passed: false, output: short(error instanceof Error ? error.message : String(error)) };
  }
}

const short = (text: string): string => text.slice(0, agentLimits.probeMessageCharsMax);

export async function execProbe(
  action: ExecAction,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  try {
    const result = await target.runtime.execSync(target.containerId, action.command ?? [], timeoutMs);
    return { passed: result.exitCode === 0, output: short(result.stdout + result.stderr) };
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'DeadlineExceeded')
      return {
        passed: false,
        output: `command timed out: "${(action.command ?? []).join(' ')}" timed out after ${timeoutMs / 1_000}s`,
      };
    throw error;
  }
}

export function httpProbe(
  action: HTTPGetAction,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const secure = action.scheme === 'HTTPS';
  const headers = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const path = action.path ?? '/';
  const options = {
    host: action.host ?? target.podIp,
    port: portNumber(action.port, target.container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: { 'User-Agent': 'kube-probe/1.35', Accept: '*/*', Connection: 'close', ...headers },
    timeout: timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    // As kubelet: a probe asks whether the server answers, not who it is.
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    request.once('response', (response) => {
      const status = response.statusCode ?? 0;
      const passed = status >= 200 && status < 400;
      response.destroy();
      resolve({ passed, output: passed ? '' : `HTTP probe failed with statuscode: ${status}` });
    });
    request.on('error', (error) => {
      const timedOut = error.name === 'AbortError' || error.name === 'TimeoutError';
      const url = `${secure ? 'https' : 'http'}://${options.host}:${options.port}${options.path}`;
      reject(
        new Error(`Get "${url}": ${timedOut ? 'context deadline exceeded' : error.message}`, {
          cause: error,
        }),
      );
    });
    request.end();
  });
}

export function tcpProbe(
  action: TCPSocketAction,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const host = action.host ?? target.podIp;
  const port = portNumber(action.port, target.container);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const done = (finish: () => void): void => {
      socket.destroy();
      finish();
    };
    socket.setTimeout(timeoutMs, () =>
      done(() => reject(new Error(`dial tcp ${host}:${port}: i/o timeout`))),
    );
    socket.once('connect', () => done(() => resolve({ passed: true, output: '' })));
    socket.once('error', (cause) =>
      done(() => reject(new Error(`dial tcp ${host}:${port}: ${cause.message}`, { cause }))),
    );
  });
}

/** A port by number or by the name that the container gives it. */
function portNumber(port: string | number, container: Container): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`invalid port: ${port}`);
  return number;
}
