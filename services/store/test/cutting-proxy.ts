import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Stands before a port and cuts connections that carried more than so many bytes towards it. */
export class CuttingProxy {
  /** Of all connections, towards the port. */
  carriedBytes = 0;
  cuts = 0;
  readonly port: number;
  #plan = { cuts: 0, afterBytes: Infinity };
  #targetPort: number;

  private constructor(port: number, targetPort: number) {
    this.port = port;
    this.#targetPort = targetPort;
  }

  static async open(targetPort = 0): Promise<CuttingProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => proxy.#carry(near, sockets));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new CuttingProxy((server.address() as AddressInfo).port, targetPort);
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return proxy;
  }

  leadTo(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** From now on, and counts from zero. */
  cut(cuts: number, afterBytes: number): void {
    this.#plan = { cuts, afterBytes };
    this.carriedBytes = 0;
    this.cuts = 0;
  }

  #carry(near: Socket, sockets: Set<Socket>): void {
    const far = connect(this.#targetPort, '127.0.0.1');
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    far.pipe(near);
    let bytes = 0;
    near.on('data', (chunk) => {
      bytes += chunk.length;
      this.carriedBytes += chunk.length;
      if (this.cuts < this.#plan.cuts && bytes > this.#plan.afterBytes) {
        this.cuts += 1;
        end();
      } else if (!far.write(chunk)) {
        near.pause();
        far.once('drain', () => near.resume());
      }
    });
  }
}
