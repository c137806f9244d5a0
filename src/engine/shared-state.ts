import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where programs keep what they remember (XDG Base Directory Specification; a relative path there does not count). */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  const named = env.XDG_STATE_HOME ?? '';
  return join(isAbsolute(named) ? named : join(homedir(), '.local/state'), 'harden');
}

/** Versions that stay beside the newest one. */
const KEPT = 8;

/** Milliseconds after which a draft has lost its writer, and a value its use. */
const DRAFT = 60_000;
const UNUSED = 30 * 86_400_000;

/**
 * Small values that all runs of this account on this machine share, each in a folder of its own. A version of a value
 * is a file, and the file system lets only one process make the next one (link(2) fails where the name is taken): nobody
 * holds a lock, so nobody can die with one, and a value is always whole. What cannot be read is as if it had never been.
 */
export class SharedState {
  readonly #folder: string;
  #swept = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Replaces a value by what `change` makes of it, called again if another process was faster. Throws errors of the file system. */
  async update(key: string, change: (old: unknown) => unknown): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#sweep();
    const folder = join(this.#folder, createHash('sha256').update(key).digest('hex').slice(0, 32));
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await replaced(folder, change)) return;
    }
    throw new Error(`${folder} is written by somebody all the time`);
  }

  /** Hosts that nobody has gone to for a month are forgotten. */
  async #sweep(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    for (const name of await readdir(this.#folder)) {
      const folder = join(this.#folder, name);
      const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (/^[0-9a-f]{32}$/.test(name) && mtimeMs < Date.now() - UNUSED)
        await rm(folder, { recursive: true, force: true });
    }
  }
}

/** False if another process made the next version meanwhile. */
async function replaced(folder: string, change: (old: unknown) => unknown): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const base = (await versions(folder)).at(-1) ?? 0;
  const made = base + 1;
  const draft = join(folder, `.${Date.now()}.${randomBytes(6).toString('hex')}`);
  try {
    const old = base === 0 ? undefined : parsed(await readFile(join(folder, String(base)), 'utf8'));
    const value = change(old);
    if (value === old) return true;
    await writeFile(draft, JSON.stringify(value), { mode: 0o600, flag: 'wx' });
    await link(draft, join(folder, String(made)));
  } catch (error) {
    // taken, or tidied away by whoever is further already
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    await unlink(draft).catch(() => {});
  }
  const now = await versions(folder);
  await tidy(folder, now);
  // so far behind that this number had been used and tidied away
  return now.at(-1)! < made + KEPT;
}

async function versions(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function tidy(folder: string, found: readonly number[]): Promise<void> {
  const drafts = (await readdir(folder)).filter(
    (name) => name.startsWith('.') && Number(name.split('.')[1]) < Date.now() - DRAFT,
  );
  for (const name of [...found.slice(0, -KEPT).map(String), ...drafts])
    await unlink(join(folder, name)).catch(() => {});
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
