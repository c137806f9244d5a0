import type { Change } from '../tasks/change.ts';

/** What a change does, in a few words. */
export function title(change: Change): string {
  switch (change.kind) {
    case 'write-file':
      return `write ${change.path}`;
    case 'restore-file':
      return `put ${change.path} back`;
    case 'set-attributes':
      return `${change.path}: ${change.summary}`;
    case 'make-directory':
      return `make ${change.path}`;
    case 'remove-file':
    case 'remove-directory':
      return `remove ${change.path}`;
    case 'remove-packages':
      return `purge ${change.names.join(' ')} and what only they needed`;
    case 'install-packages':
      return `install ${change.names.join(' ')}`;
    case 'control-unit':
      return `${change.action} ${change.unit}`;
    case 'run-command':
      return `run ${change.command}`;
    case 'load-rules':
      return `load the ${change.family === 'ipv4' ? 'IPv4' : 'IPv6'} rules`;
    case 'remove-rules':
      return `remove the ${change.family === 'ipv4' ? 'IPv4' : 'IPv6'} rules`;
    case 'sync-fail2ban':
      return 'let fail2ban take over its files';
  }
}
