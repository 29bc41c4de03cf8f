// The programs under test: a private network, and one `session app` per person. All listen on
// this computer only, keep their data in temporary folders and end with the test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program. */
export const SESSION = process.env.SESSION_BIN ?? fileURLToPath(new URL('../../../target/debug/session', import.meta.url));
const START_MS = 60_000;

/** Every process that was started; those still running end with the test. */
export const running = [];

/** Starts a program and gives the first line it prints that is wanted. */
function start(args, wanted) {
  const child = spawn(SESSION, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, RUST_LOG: '' } });
  running.push(child);
  let said = '';
  child.stderr.on('data', (data) => (said = (said + data).slice(-2000)));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`session ${args.join(' ')} did not start: ${said}`)), START_MS);
    child.on('exit', (code) => reject(new Error(`session ${args.join(' ')} ended with ${code}: ${said}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const found = wanted(JSON.parse(line));
      if (!found) return;
      clearTimeout(timer);
      resolve({ child, found });
    });
  });
}

/** A private network of twelve nodes with a file server. */
export async function network(more = []) {
  const args = ['--json', 'devnet', '--nodes', '12', ...more];
  const { child, found } = await start(args, (line) => line.seed_url && line);
  return { child, seed: found.seed_url, files: found.file_server?.setting };
}

/** The program of one person, with its data in a folder of its own. */
export class App {
  constructor(net) {
    this.net = net;
    this.folder = mkdtempSync(join(tmpdir(), 'session-e2e-'));
  }

  args() {
    const files = this.net.files ? ['--file-server', this.net.files] : [];
    return ['--data-dir', this.folder, '--network', this.net.seed, ...files, '--json', 'app', '--no-browser'];
  }

  async start() {
    const { child, found } = await start(this.args(), (line) => line.event === 'app' && line);
    this.child = child;
    this.link = found;
    return found;
  }

  /** One more link to the program that runs. */
  async again() {
    const { found } = await start(this.args(), (line) => line.event === 'app' && line);
    return found;
  }

  /** Ends the program at once, as a power cut does. */
  async kill() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.removeAllListeners('exit');
    this.child.once('exit', () => {});
    this.child.kill('SIGKILL');
    await Promise.race([gone, new Promise((resolve) => this.child.once('close', resolve))]);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends every program that was started here. */
export async function endAll() {
  await Promise.all(
    running
      .filter((child) => child.exitCode === null && child.signalCode === null)
      .map((child) => {
        child.removeAllListeners('exit');
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const force = setTimeout(() => child.kill('SIGKILL'), 5000);
        return gone.then(() => clearTimeout(force));
      }),
  );
}
