import { raw } from '../shell/quote.ts';
import { defineProbe, fields, present } from './probe.ts';

/** What the host is: asked once in every observation, so no task ever has to ask. */
export interface Facts {
  /** `debian`, `ubuntu`, … from os-release. */
  readonly distribution: string;
  /** `12`, `22.04`, … from os-release; empty on rolling releases. */
  readonly release: string;
  /** The operator's address as the host sees it (behind NAT it is not the one known locally); '' if not over SSH. */
  readonly operator: string;
  /** What its own clock says: seconds since the epoch, with fraction. */
  readonly clock: number;
  /** systemd is process 1. */
  readonly systemd: boolean;
}

/** `$HARDEN_CONNECTION` is set at the head of every script: `$SSH_CONNECTION` as the login session had it. */
export const factsProbe = defineProbe<'facts', Facts>({
  name: 'facts',
  key: () => 'facts',
  script: () =>
    raw(`( . /etc/os-release; echo "id=$ID"; echo "release=\${VERSION_ID:-}" )
echo "clock=$(date +%s.%N)"
echo "operator=\${HARDEN_CONNECTION%% *}"
[ -d /run/systemd/system ] && echo systemd=yes
:`),
  parse(output) {
    const value = fields(output);
    return new Map([
      [
        'facts',
        present({
          distribution: value.get('id') ?? '',
          release: value.get('release') ?? '',
          operator: value.get('operator') ?? '',
          clock: Number(value.get('clock')),
          systemd: value.get('systemd') === 'yes',
        }),
      ],
    ]);
  },
});
