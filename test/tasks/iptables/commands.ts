import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Commands that stand in for iptables: what they print is given, what they are fed is kept. */
export class Commands {
  readonly directory = mkdtempSync(join(tmpdir(), 'iptables-'));

  /** `code` finds the directory in `$D`. */
  set(name: string, code: string): void {
    const path = join(this.directory, name);
    writeFileSync(path, `#!/bin/sh\nD=${this.directory}\necho "${name} $*" >> "$D/log"\n${code}\n`);
    chmodSync(path, 0o755);
  }

  run(code: string) {
    const { stdout, stderr, status } = spawnSync('sh', ['-s'], {
      input: `{ ${code}\n} </dev/null`,
      env: { PATH: `${this.directory}:/usr/bin:/bin`, LC_ALL: 'C' },
    });
    return { stdout: stdout.toString(), stderr: stderr.toString(), status };
  }

  read(name: string): string {
    try {
      return readFileSync(join(this.directory, name), 'utf8');
    } catch {
      return '';
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
