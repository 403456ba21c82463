import { readdirSync, readFileSync } from 'node:fs';
import type { MetricSource } from './metrics.js';

/** What Prometheus' clients say of every process on Linux, and the memory and load of Node.js. */
export function processMetrics(): readonly MetricSource[] {
  const gauge = (name: string, help: string, read: MetricSource['read']): MetricSource => ({
    name,
    help,
    type: 'gauge',
    read,
  });
  const startSeconds = Math.round(Date.now() / 1000 - process.uptime());
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      type: 'counter',
      read: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    },
    gauge(
      'process_start_time_seconds',
      'Start time of the process since the epoch in seconds.',
      () => startSeconds,
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss()),
    gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', () => virtualMemoryBytes()),
    gauge('process_open_fds', 'Number of open file descriptors.', () => openFiles()),
    gauge('process_max_fds', 'Maximum number of open file descriptors.', () => filesMax()),
    gauge(
      'nodejs_heap_size_total_bytes',
      'Size of the heap in bytes.',
      () => process.memoryUsage().heapTotal,
    ),
    gauge(
      'nodejs_heap_size_used_bytes',
      'Used part of the heap in bytes.',
      () => process.memoryUsage().heapUsed,
    ),
    gauge(
      'nodejs_external_memory_bytes',
      'Memory outside the heap in bytes.',
      () => process.memoryUsage().external,
    ),
    {
      name: 'nodejs_eventloop_active_seconds_total',
      help: 'Time in which the event loop had something to do, in seconds.',
      type: 'counter',
      read: () => performance.eventLoopUtilization().active / 1000,
    },
    gauge('nodejs_version_info', 'The version of Node.js.', () => [[{ version: process.version }, 1]]),
  ];
}

/** 0 where there is no /proc. */
function fromProc(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(`/proc/self/${file}`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const virtualMemoryBytes = (): number => fromProc('status', /^VmSize:\s+(\d+) kB/m) * 1024;
const filesMax = (): number => fromProc('limits', /^Max open files\s+(\d+)/m);

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
