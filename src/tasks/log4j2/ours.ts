import { posix } from 'node:path';
import type { Markup } from './splice.ts';

/** What varies between hosts. */
export interface Wanted {
  /** Absolute path of the log file. */
  readonly log: string;
  /** Size at which the file rolls over, as log4j2 spells it: `10 MB`. */
  readonly size: string;
  /** Compressed files that are kept. */
  readonly keep: number;
}

/** The name of our appender: no other component may use it. */
export const NAME = 'HardenJames';

/** One event, one line, nothing that a client chose can look like another: CR and LF of the message are encoded. */
const PATTERN = '%d{yyyy-MM-dd HH:mm:ss.SSS Z} - %C [ip=%X{ip}] - %enc{%msg}{CRLF}%n';

/** File name without its last extension: `james` of `james.log`. */
export const stem = (log: string): string => posix.basename(log, posix.extname(log));

/** Everything inline: a property would have to be the file's first element to count. */
export function ourAppender({ log, size, keep }: Wanted, strict: boolean): Markup {
  const plugin = (generic: string, type: string): Pick<Markup, 'name' | 'attributes'> =>
    strict ? { name: generic, attributes: [['type', type]] } : { name: type, attributes: [] };
  const appender = plugin('Appender', 'RollingFile');
  const layout = plugin('Layout', 'PatternLayout');
  return {
    name: appender.name,
    attributes: [
      ...appender.attributes,
      ['name', NAME],
      ['fileName', log],
      ['filePattern', `${posix.dirname(log)}/${stem(log)}.%d{yyyy-MM-dd}-%i.log.gz`],
      ['ignoreExceptions', 'false'],
    ],
    children: [
      {
        name: layout.name,
        attributes: [
          ...layout.attributes,
          ['pattern', PATTERN],
          ['charset', 'UTF-8'],
          ['alwaysWriteExceptions', 'false'],
        ],
      },
      {
        name: 'Policies',
        attributes: [],
        children: [{ name: 'SizeBasedTriggeringPolicy', attributes: [['size', size]] }],
      },
      {
        name: 'DefaultRolloverStrategy',
        attributes: [
          ['min', '1'],
          ['max', String(keep)],
        ],
      },
    ],
  };
}

export const OUR_REF: Markup = {
  name: 'AppenderRef',
  attributes: [
    ['ref', NAME],
    ['level', 'info'],
  ],
};

export const ourLogger = (name: string, level: string): Markup => ({
  name: 'Logger',
  attributes: [
    ['name', name],
    ['level', level],
  ],
  children: [OUR_REF],
});

export const SMTP = 'org.apache.james.protocols.smtp';

/** Loggers whose events the filters read: SMTP of James 3.5 to 3.8, and the audit trail of 3.9 and later. */
export const LOGGERS = [SMTP, 'org.apache.james.util.AuditTrail'] as const;

/** Loggers below SMTP that the genuine lines come from; one of them, or one between, could hold them back. */
export const SOURCES = [
  `${SMTP}.AUTHENTICATION`,
  `${SMTP}.core.esmtp.AuthCmdHandler`,
  `${SMTP}.core.fastfail.AbstractValidRcptHandler`,
] as const;
