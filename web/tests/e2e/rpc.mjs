// The program as a bot uses it: JSON-RPC over standard input and output.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { running, SESSION } from './programs.mjs';

export class Rpc {
  constructor(folder, net) {
    const files = net.files ? ['--file-server', net.files] : [];
    const args = ['--data-dir', folder, '--network', net.seed, ...files, 'rpc'];
    this.child = spawn(SESSION, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, RUST_LOG: '' } });
    running.push(this.child);
    this.network = net.seed;
    this.gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.next = 1;
    this.calls = new Map();
    this.told = [];
    this.listeners = new Set();
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(JSON.parse(line)));
  }

  take(frame) {
    if (typeof frame.id === 'number') {
      const { resolve, reject } = this.calls.get(frame.id);
      this.calls.delete(frame.id);
      if (frame.error) reject(new Error(`${frame.error.message} (${frame.error.data?.code})`));
      else resolve(frame.result);
    } else {
      this.told.push(frame);
      for (const listener of this.listeners) listener();
    }
  }

  call(method, params = {}) {
    const id = this.next++;
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
  }

  /** Makes an account whose key is in a file; gives its id. */
  async account(name) {
    const made = await this.call('accounts.create', { name, network: this.network, key_store: 'file' });
    return made.account.id;
  }

  /** Waits until so many notifications that are wanted were told, from now or from `since` on. */
  until(wanted, count = 1, since = 0) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('what was waited for did not come')), 120_000);
      const look = () => {
        const found = this.told.slice(since).filter((frame) => wanted(frame));
        if (found.length < count) return;
        clearTimeout(timer);
        this.listeners.delete(look);
        resolve(found);
      };
      this.listeners.add(look);
      look();
    });
  }

  /** Lets the program end by itself. */
  async end() {
    this.child.stdin.end();
    await this.gone;
  }
}
