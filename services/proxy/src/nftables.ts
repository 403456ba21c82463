import { spawn } from 'node:child_process';
import type { ProxyBackend } from './backend.js';
import { proxyLimits } from './limits.js';
import { nftRuleset } from './nft-ruleset.js';

/** Service addresses in the kernel: what a real machine and a rack's host use. Needs root and Debian's nftables. */
export function createNftablesBackend(clusterCIDR: string): ProxyBackend {
  let applied: string | null = null;
  return {
    sync: async (ports) => {
      const rules = nftRuleset(ports, clusterCIDR);
      if (rules === applied) return;
      await runNft(rules);
      applied = rules;
    },
    close: () => Promise.resolve(),
  };
}

function runNft(rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const nft = spawn('nft', ['-f', '-'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: proxyLimits.nftTimeoutMs,
    });
    let complaint = '';
    nft.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 2_000) complaint += chunk.toString();
    });
    nft.on('error', reject);
    nft.on('close', (code, killedBy) => {
      if (code === 0) resolve();
      else reject(new Error(`nft ended with ${code ?? killedBy}: ${complaint.trim()}`));
    });
    nft.stdin.on('error', () => undefined); // It ended early; the close event says why.
    nft.stdin.end(rules);
  });
}
