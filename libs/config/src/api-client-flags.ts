import type { Command } from 'commander';
import { commaList } from './flags.js';

/** How a component reaches the apiservers: the same flags on every one of them. */
export interface ApiClientConfig {
  /** gRPC addresses of all apiservers, host:port. */
  readonly apiservers: readonly string[];
  /** This component's certificate and key, and the authority of the apiservers' certificates (PEM files). */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

export function addApiClientFlags(command: Command): Command {
  return command
    .requiredOption('--apiservers <host:port,...>', 'gRPC addresses of all apiservers', commaList)
    .requiredOption('--client-certificate <file>', "this component's certificate (PEM)")
    .requiredOption('--client-key <file>', "the certificate's key (PEM)")
    .requiredOption('--certificate-authority <file>', "authority of the apiservers' certificates (PEM)");
}

/** From what commander parsed of `addApiClientFlags`. */
export function apiClientConfig(options: {
  readonly apiservers: readonly string[];
  readonly clientCertificate: string;
  readonly clientKey: string;
  readonly certificateAuthority: string;
}): ApiClientConfig {
  return {
    apiservers: options.apiservers,
    certFile: options.clientCertificate,
    keyFile: options.clientKey,
    caFile: options.certificateAuthority,
  };
}
