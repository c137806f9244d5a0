import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const JARS = '/usr/share/java';
const SOURCES = [
  'Attack.java',
  'org/apache/james/protocols/smtp/core/esmtp/AuthCmdHandler.java',
  'org/apache/james/protocols/smtp/core/fastfail/AbstractValidRcptHandler.java',
  'org/apache/james/util/AuditTrail.java',
];

/**
 * Compiles a program that logs what an attacked James does, through the distribution's own log4j2, into `folder`. Gives
 * the class path.
 */
export function compileAttack(folder: string): string {
  const jars = existsSync(JARS) ? readdirSync(JARS).filter((name) => /^log4j-(api|core)-2\./.test(name)) : [];
  if (jars.length < 2) {
    throw new Error(
      `log4j2 is missing in ${JARS}: install it and a JDK with apt-get install liblog4j2-java default-jdk-headless.`,
    );
  }
  const classpath = [folder, ...jars.map((jar) => join(JARS, jar))].join(':');
  const java = join(import.meta.dirname, 'java');
  // a host may have an older Java than this machine
  execFileSync('javac', [
    '--release',
    '11',
    '-d',
    folder,
    '-cp',
    classpath,
    ...SOURCES.map((one) => join(java, one)),
  ]);
  return classpath;
}
