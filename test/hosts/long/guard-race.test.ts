import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cutsOff } from '../../../src/engine/door.ts';
import { confirmScript, rollbackScript } from '../../../src/engine/guard.ts';
import { newRunId, waveId } from '../../../src/engine/job.ts';
import { startScript } from '../../../src/engine/lay-down.ts';
import { Inquiry } from '../../../src/engine/observe.ts';
import { compile } from '../../../src/engine/steps/compile.ts';
import { feed, frameFunctions } from '../../../src/shell/frame.ts';
import { raw } from '../../../src/shell/quote.ts';
import { startHost, type TestHost } from '../host.ts';
import { rounds } from '../long.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ james: false });
});
afterAll(() => host?.stop());

const ROUNDS = rounds(30, 300);

it(`a change is confirmed or undone, never both and never neither (${ROUNDS} rounds)`, async () => {
  const run = '/root/race';
  const put = (name: string, text: string) => feed(raw(`cat > ${name}`), Buffer.from(`${text}\n`)).text;
  const out = await host.must(
    `
    ${put('/root/rollback.sh', rollbackScript(run, [], '').text)}
    ${put('/root/confirm.sh', `${frameFunctions('aa').text}\n${confirmScript(run).text}`)}
    for round in $(seq ${ROUNDS}); do
      rm -rf ${run}; mkdir -p ${run}/before; echo old > ${run}/before/1; echo new > /root/file
      echo '1 file /root/file' > ${run}/files; echo 0 > ${run}/pending
      # the timer is ahead by as much as 100 ms, or behind by 30: each side is to win some on any machine
      ahead=$((round % 14 - 3)) login=0.0\${ahead}0 timer=0
      case $ahead in -*) login=0 timer=0.0\${ahead#-}0 ;; 10) login=0.1 ;; esac
      { { sleep $timer; sh /root/rollback.sh job; } & { sleep $timer; sh /root/rollback.sh > /dev/null; } & sleep $login; sh /root/confirm.sh > ${run}/said; wait; } 2>/dev/null
      echo "$(cd ${run}; ls pending confirmed rolledback undone 2>/dev/null | tr '\\n' ' ')$(cat /root/file) $(cut -d' ' -f3 ${run}/said)"
    done`,
    { seconds: 20 + 2 * ROUNDS },
  );
  const counts = new Map<string, number>();
  for (const line of out.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  console.log(Object.fromEntries(counts));
  expect([...counts.keys()].sort()).toEqual(['confirmed new confirmed', 'rolledback undone old rolledback']);
  expect([...counts.values()].reduce((a, b) => a + b)).toBe(ROUNDS);
});

it('a guarded step that hangs is undone, and does not go on afterwards', async () => {
  const command =
    'iptables -I INPUT -p tcp --dport 9 -j DROP; (sleep 12; iptables -I INPUT -p tcp --dport 10 -j DROP) & sleep 300';
  const { steps, guarded } = compile(
    [{ task: { id: 'hangs' }, changes: [{ kind: 'run-command', command, guarded: true }] }],
    { cutsOff, leftUnread: () => [] },
  );
  const run = newRunId();
  const job = startScript({
    run,
    id: waveId(run, 0),
    steps,
    guarded,
    operator: '',
    // beside these there are 180 s for the steps: so 4
    confirmTimeout: -176,
    inquiry: new Inquiry([]),
    holder: { who: 'test', mark: 'test' },
    plan: {},
  });
  const since = Date.now();
  const { stdout } = await host.exec(job, { seconds: 90 });
  expect(stdout).toMatch(/guard armed\n(.*\n)*.*guard rolledback\n/);
  expect(Date.now() - since).toBeLessThan(60_000);
  expect(await host.must('ls /var/lib/harden/runs/current')).toMatch(/\brolledback\n(.*\n)*undone\b/);
  await sleep(Math.max(0, since + 16_000 - Date.now()));
  expect(await host.must('iptables -S INPUT')).not.toMatch(/dport (9|10) /);
});
