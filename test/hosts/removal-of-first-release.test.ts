import { afterAll, it } from 'vitest';
import { isLong } from './distributions.ts';
import { startHost, type TestHost } from './host.ts';
import { applyPlaybook, expectTakenAway } from './removal.ts';
import { lastingState } from './snapshot.ts';

let host: TestHost;
afterAll(() => host?.stop());

// no host has such runs: that release was never published
it.runIf(isLong)(
  'state: absent takes away what the first release made, whose runs noted neither packages nor units',
  async () => {
    host = await startHost();
    const fresh = await lastingState(host);
    await applyPlaybook(host);
    await host.must(`for run in /var/lib/harden/runs/*/; do
    [ ! -L "\${run%/}" ] || continue
    if [ -s "$run/packages" ]; then
      echo "apt install -- 'fail2ban' 'python3-systemd' 'nftables' || { update && apt install -- 'fail2ban' 'python3-systemd' 'nftables'; }" >>"$run/job.sh"
    fi
    rm -rf "$run/packages" "$run/packages.before" "$run/units" "$run/after" "$run"/apt.*
  done`);
    // nor did they tell apt to remove nothing
    await host.must("sed -i 's/install --no-remove -- /install -- /' /var/log/apt/history.log");
    await applyPlaybook(host);
    await expectTakenAway(host, fresh);
  },
);
