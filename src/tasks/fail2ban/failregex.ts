/** Where fail2ban reads the address to ban. */
const ADDRESS = /<(?:ADDR|HOST|IP4|IP6)>/g;
/** Named parts of a line: `<F-USER>…</F-USER>`. */
const PART = /<(\/?)F-([A-Z0-9_-]+)>/g;

/** What is wrong with a failregex, as a sentence; undefined if nothing is. That it compiles is proved on the host. */
export function failregexProblem(regex: string): string | undefined {
  const line = regexProblem(regex);
  if (line) return line;
  const addresses = regex.match(ADDRESS)?.length ?? 0;
  if (addresses !== 1) return `it needs exactly one of <ADDR>, <HOST>, <IP4> and <IP6>; it has ${addresses}`;
  const other = regex
    .replaceAll(ADDRESS, '')
    .replaceAll(PART, '')
    .match(/(?<!\(\?P?)<\/?[\w-]+\/?>/)?.[0];
  return other
    ? `fail2ban would replace ${other}, and it could not be compared with the running server`
    : undefined;
}

/** The same for an ignoreregex, which needs no address. */
export function regexProblem(regex: string): string | undefined {
  if (regex.trim() === '') return 'it is empty';
  if (regex !== regex.trim()) return 'it begins or ends with a blank, which fail2ban removes';
  if (/[\p{Cc}\u2028\u2029]/u.test(regex)) return 'it holds a line break or another control character';
  if (/^[#;]|\s;/.test(regex))
    return 'fail2ban takes what follows # at its start, or a blank and ;, for a comment';
  if (/\(\?[aiLmsux]+\)/.test(regex)) return 'global flags like (?i) make forged lines match; write (?i:…)';
  return undefined;
}

/**
 * Is `running`, as the server shows it, what it made of `wanted`? The server expands <ADDR> and its kind, in a text that
 * differs between versions, and the parts; everything else must be equal.
 */
export function sameFailregex(wanted: string, running: string): boolean {
  const expanded = wanted.replaceAll(PART, (_, end, name) => (end ? ')' : `(?P<${partName(name)}>`));
  const [tag] = expanded.match(ADDRESS) ?? [];
  if (!tag) return expanded === running;
  const [before = '', after = ''] = expanded.split(tag);
  if (running.length < before.length + after.length) return false;
  if (!running.startsWith(before) || !running.endsWith(after)) return false;
  return EXPANDED[tag]?.test(running.slice(before.length, running.length - after.length)) ?? false;
}

const partName = (name: string): string => ({ ID: 'fid', PORT: 'fport' })[name] ?? name.toLowerCase();

const IP4 = String.raw`\(\?:::f\{4,6\}:\)\?\(\?P<ip4>[^<>]+\)`;
const IP6 = String.raw`\(\?P<ip6>(?:[^<>]|\(\?<=:\))+\)`;
const ADDR = String.raw`\\\[\?\(\?:${IP4}\|${IP6}\)\\\]\?`;
const EXPANDED: Readonly<Record<string, RegExp>> = {
  '<IP4>': new RegExp(`^${IP4}$`),
  '<IP6>': new RegExp(`^${IP6}$`),
  '<ADDR>': new RegExp(`^${ADDR}$`),
  // where the jail has usedns = no, it is an address
  '<HOST>': new RegExp(String.raw`^(?:${ADDR}|\(\?:${ADDR}\|\(\?P<dns>[^<>]+\)\))$`),
};
