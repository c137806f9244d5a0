import { posix } from 'node:path';
import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import { decode } from '../log4j2/encoding.ts';
import { position, Refusal } from '../log4j2/refusal.ts';
import { type Element, parse } from '../log4j2/xml.ts';
import { blocked, type Obstacle, unseen } from './verdicts.ts';

/** The protocols whose servers a proxy can stand before, with the port James takes where the file names none. */
export const PROTOCOLS = { smtp: 25, pop3: 110, imap: 143 } as const;

export type Protocol = keyof typeof PROTOCOLS;

/** A server of James that takes connections from a proxy only, which says for whom it speaks (the PROXY protocol). */
export interface ProxiedServer {
  /** `/opt/james/conf/smtpserver.xml:31`. */
  readonly place: string;
  readonly ports: readonly number[];
  /** It listens on loopback only: the proxy is on this host, and clients connect to this host. */
  readonly local: boolean;
}

/** Where James's servers of one protocol are configured. */
export const serverFile = (home: string, protocol: Protocol): string =>
  posix.join(home, 'conf', `${protocol}server.xml`);

/** The servers behind a proxy; none where James has no such file. What cannot be read or understood is no answer. */
export function proxiedServers(
  path: string,
  protocol: Protocol,
  file: Observed<FileState>,
): readonly ProxiedServer[] | Obstacle {
  if (file.state === 'unreadable') return unseen(path, file);
  if (file.state === 'absent') return [];
  if (!file.value.content) return blocked(`${path} is not a file that can be read: ${UNCLEAR}`);
  let text = '';
  try {
    ({ text } = decode(file.value.content));
    const servers = parse(text).children.filter(({ name }) => name === `${protocol}server`);
    return servers.flatMap((server) => proxied(server, protocol, path, text) ?? []);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { line, column } = position(text, error.offset);
    return blocked(`${path}:${line}:${column} ${error.message}: ${UNCLEAR}`);
  }
}

const UNCLEAR = 'whether a proxy stands before James is not clear';

/** What James's configuration reads as false; anything else is taken for true, or comes from a variable. */
const FALSE = /^(false|no|off|n|f|0|)$/i;

function proxied(server: Element, protocol: Protocol, path: string, text: string): ProxiedServer | undefined {
  if (FALSE.test(server.attributes.find(({ name }) => name === 'enabled')?.value ?? 'true')) return undefined;
  const [required] = server.children.filter(({ name }) => name === 'proxyRequired');
  if (!required || FALSE.test(required.text)) return undefined;
  const bind = server.children.find(({ name }) => name === 'bind')?.text ?? '';
  const places = bind.split(',').map((part) => part.trim().split(':'));
  return {
    place: `${path}:${position(text, required.range.start).line}`,
    ports: places.map(([, port]) => Number(port) || PROTOCOLS[protocol]),
    local: places.every(([host = '']) => /^(127\.[\d.]+|localhost)$/.test(host)),
  };
}
