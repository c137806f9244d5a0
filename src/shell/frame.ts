import { lines, raw, type Sh, sh } from './quote.ts';

/**
 * Frames carry what pieces of a script print through anything that may stand around it (motd, `.bashrc` noise,
 * split packets): one line each, `@@NONCE WORD… `, payloads in base64. Lines without the run's nonce are ignored.
 */
export interface Frame {
  readonly words: readonly string[];
}

const MARK = '@@';

/** Bytes kept of what a group of probes says on standard error, and of what one of them says: the last ones. */
const COMPLAINTS = 6000;
const COMPLAINT = 600;

/** The prologue of every script: a predictable environment, whatever the login shell had. */
const ENVIRONMENT = raw(`export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset ENV CDPATH IFS
umask 077
cd /
HARDEN_CONNECTION="$*"
export HARDEN_CONNECTION`);

/**
 * A whole script for `sh -s`. Inside the braces a script that was cut in transit is a syntax error, so nothing of it
 * runs; and no child can read the rest of the script from standard input. One that listens finds at descriptor 7 what is
 * sent after it.
 */
export function script(body: Sh, { listens = false } = {}): string {
  return `{\n${ENVIRONMENT.text}\n${body.text}\nexit; } ${listens ? '7<&0 ' : ''}</dev/null\n`;
}

/** Shell functions that print frames of this run. `nonce` is `[0-9a-f]+`. */
export function frameFunctions(nonce: string): Sh {
  return raw(`frame() { printf '${MARK}${nonce} %s\\n' "$*"; }
# probe NAME CODE: runs CODE with a time limit; frame "probe NAME PAYLOAD", the payload's last line is the exit status
probe() {
  printf '${MARK}${nonce} probe %s ' "$1"
  { printf %s "$2" | timeout -k 2 30 sh -s; printf '\\n%s' "$?"; } | base64 -w0
  echo
  printf '\\n${MARK}${nonce} %s\\n' "$1" >&2
}
# complaints: what probes said on standard error, read from standard input; frame "stderr MARK PAYLOAD", where a line "MARK NAME" ends each
complaints() { frame stderr '${MARK}${nonce}' "$(tail -c ${COMPLAINTS} | base64 -w0)="; }`);
}

/** One probe of an observation, as a call of `probe`. On standard input: no argument of a program is that long. */
export function probeCall(name: string, code: Sh): Sh {
  return sh`probe ${name} ${`{\n${code.text}\n} </dev/null\n`}`;
}

/** Calls of `probe`, and then what they complained of. */
export const probeCalls = (calls: readonly Sh[]): readonly Sh[] =>
  calls.length === 0 ? [] : [raw('{ {'), ...calls, raw('} 2>&1 >&3 | complaints; } 3>&1')];

/** Runs `others` while `slow` runs: what slow ones print waits in a pipe, so that no line of the two is mixed, and no file is needed. */
export const beside = (slow: readonly Sh[], others: readonly Sh[]): Sh =>
  slow.length === 0
    ? lines(others)
    : lines([raw('{'), ...slow, raw('} | { {'), ...others, raw(':\n} </dev/null\ncat\n}')]);

/** The end of an observation: without it the output is known to be incomplete. */
export const observed = raw('frame observed');

/** The frames of a run among whatever else was printed; incomplete last lines are left out. */
export function frames(output: Buffer | string, nonce: string): Frame[] {
  const text = typeof output === 'string' ? output : output.toString('latin1');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  const found: Frame[] = [];
  for (const line of complete.split('\n')) {
    // noise without a line end may stand before a frame
    const at = line.indexOf(`${MARK}${nonce} `);
    if (at >= 0) found.push({ words: line.slice(at + MARK.length + nonce.length + 1).split(' ') });
  }
  return found;
}

/** The text in a word `BASE64=` or `BASE64`: the mark keeps an empty one from being no word. */
export const textOf = (word = ''): string => Buffer.from(word.replace(/=$/, ''), 'base64').toString();

/** What one probe printed. */
export interface ProbeOutput {
  readonly stdout: Buffer;
  /** Exit status; 124 is the time limit. */
  readonly code: number;
}

/** A `probe` frame's payload; undefined if it is not one or is damaged. */
export function probeOutput(frame: Frame): { name: string; output: ProbeOutput } | undefined {
  const [word, name, payload] = frame.words;
  if (word !== 'probe' || !name || !payload) return undefined;
  const bytes = Buffer.from(payload, 'base64');
  const end = bytes.lastIndexOf('\n');
  const code = Number(bytes.subarray(end + 1).toString());
  if (end < 0 || !Number.isInteger(code)) return undefined;
  return { name, output: { stdout: bytes.subarray(0, end), code } };
}

/** What probes complained of, by their names, in a `stderr` frame. */
export function complaints(frame: Frame): ReadonlyMap<string, string> {
  const [word, mark, payload] = frame.words;
  if (word !== 'stderr') return new Map();
  const said = new Map<string, string>();
  let words = '';
  for (const line of textOf(payload).split('\n')) {
    if (line.startsWith(`${mark} `)) {
      said.set(line.slice(line.indexOf(' ') + 1), words.trim().slice(-COMPLAINT));
      words = '';
    } else words += `${line}\n`;
  }
  return said;
}

/** A here-document that hands `content` to `command` literally, whatever it holds. */
export function feed(command: Sh, content: Buffer): Sh {
  const encoded = content.toString('base64').replace(/.{1,76}/g, '$&\n');
  return raw(`base64 -d <<'END' | ${command.text}\n${encoded}END`);
}
