import type { Container, Pod } from '@raftsman/api';
import { agentLimits } from '../limits.js';
import { backoffUntil, raiseBackoff, type Backoff } from '../pods/backoff.js';
import type { ImageAuth, ImageStatus, Runtime } from '../runtime/runtime.js';
import { podReference, type EventSink, type ObjectReader } from '../sources.js';
import { ContainerConfigError } from './config-error.js';
import { registryAuth } from './registry-auth.js';

const backoffLimits = {
  initialMs: agentLimits.imageBackoffInitialMs,
  maxMs: agentLimits.imageBackoffMaxMs,
  resetMs: 2 * agentLimits.imageBackoffMaxMs,
};

export interface ImagesOptions {
  readonly runtime: Runtime;
  readonly events: EventSink;
  readonly objects: ObjectReader;
  readonly now: () => number;
  /** Gives up a pull. */
  readonly signal: AbortSignal;
}

interface Failure {
  readonly backoff: Backoff;
  readonly failedAtMs: number;
  readonly message: string;
}

/** Sees to it that a container's image is on this machine, by its imagePullPolicy. One per pod. */
export class Images {
  readonly #options: ImagesOptions;
  /** By image. A pod has few, so that this needs no bound of its own. */
  readonly #failures = new Map<string, Failure>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** When the next try of a failed pull is due; undefined: none is. */
  retryAtMs(): number | undefined {
    const due = [...this.#failures.values()].map(({ failedAtMs, backoff }) => failedAtMs + backoff.delayMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Rejects with ContainerConfigError: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, ErrImageInspect. */
  async ensure(pod: Pod, container: Container, init: boolean): Promise<ImageStatus> {
    const { runtime, events } = this.#options;
    const image = container.image ?? '';
    if (!runtime.usesImages) return (await runtime.imageStatus(image))!;
    const object = podReference(pod, container.name, init);
    const policy = container.imagePullPolicy ?? defaultPolicy(image);
    const present = await this.#inspect(image);
    if (present !== undefined && policy !== 'Always') {
      events.event(object, 'Normal', 'Pulled', `Container image "${image}" already present on machine`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      events.event(object, 'Warning', 'ErrImageNeverPull', message);
      throw new ContainerConfigError(message, 'ErrImageNeverPull');
    }
    this.#assertNotBackingOff(pod, container, init);
    events.event(object, 'Normal', 'Pulling', `Pulling image "${image}"`);
    const startedMs = this.#options.now();
    try {
      const ref = await runtime.pullImage(image, await this.#auth(pod, image), this.#options.signal);
      const pulled = (await this.#inspect(ref)) ?? (await this.#inspect(image));
      if (pulled === undefined) throw new Error('the runtime pulled it and does not have it');
      this.#failures.delete(image);
      const seconds = ((this.#options.now() - startedMs) / 1_000).toFixed(3);
      events.event(
        object,
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${seconds}s. Image size: ${pulled.sizeBytes} bytes.`,
      );
      return pulled;
    } catch (error) {
      throw this.#failed(pod, container, init, error);
    }
  }

  async #inspect(image: string): Promise<ImageStatus | undefined> {
    try {
      return await this.#options.runtime.imageStatus(image);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ContainerConfigError(`Failed to inspect image "${image}": ${why}`, 'ErrImageInspect', {
        cause,
      });
    }
  }

  async #auth(pod: Pod, image: string): Promise<ImageAuth | undefined> {
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const secret = await this.#options.objects.secret(pod.metadata.namespace ?? '', name ?? '');
      const auth = secret && registryAuth(secret, image);
      if (auth !== undefined) return auth;
    }
    return undefined;
  }

  #assertNotBackingOff(pod: Pod, container: Container, init: boolean): void {
    const image = container.image ?? '';
    const failure = this.#failures.get(image);
    const untilMs = failure && backoffUntil(failure.backoff, failure.failedAtMs, backoffLimits);
    if (failure === undefined || untilMs === undefined || untilMs <= this.#options.now()) return;
    const object = podReference(pod, container.name, init);
    const message = `Back-off pulling image "${image}"`;
    this.#options.events.event(object, 'Normal', 'BackOff', message);
    this.#options.events.event(object, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    throw new ContainerConfigError(`${message}: ErrImagePull: ${failure.message}`, 'ImagePullBackOff');
  }

  #failed(pod: Pod, container: Container, init: boolean, cause: unknown): ContainerConfigError {
    const image = container.image ?? '';
    const message = cause instanceof Error ? cause.message : String(cause);
    const now = this.#options.now();
    const backoff = raiseBackoff(this.#failures.get(image)?.backoff, now, now, backoffLimits);
    this.#failures.set(image, { backoff, failedAtMs: now, message });
    const object = podReference(pod, container.name, init);
    this.#options.events.event(object, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
    this.#options.events.event(object, 'Warning', 'Failed', 'Error: ErrImagePull');
    return new ContainerConfigError(message, 'ErrImagePull', { cause });
  }
}

/** As the API defaults it: a tag that moves is looked up each time. */
function defaultPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}
