/** A container cannot be made from its spec and what the spec refers to: its waiting state's reason and message. */
export class ContainerConfigError extends Error {
  readonly reason: string;

  constructor(message: string, reason = 'CreateContainerConfigError', options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContainerConfigError';
    this.reason = reason;
  }
}
