import { randomBytes } from 'node:crypto';
import { frames, script } from '../shell/frame.ts';
import { type RunOptions, type Transport, TransportError } from '../transport/transport.ts';
import { type Inquiry, type Observations, observation } from './observe.ts';

/** Seconds without a word after which a look is given up: each probe has 30. */
const SILENCE = 90;

/** One round trip: asks a host everything. Throws `lost` where its answer did not come to its end. */
export async function look(
  name: string,
  inquiry: Inquiry,
  over: Pick<Transport, 'run'>,
  options: Omit<RunOptions, 'silence'> = {},
): Promise<Observations> {
  const nonce = randomBytes(8).toString('hex');
  const { stdout, stderr, code } = await over.run(script(observation(inquiry, nonce)), {
    silence: SILENCE,
    ...options,
  });
  const seen = inquiry.read(frames(stdout, nonce));
  if (seen) return seen;
  const said = stderr.toString().trim().split('\n').at(-1);
  throw new TransportError(
    'lost',
    name,
    `${name} did not finish answering (exit status ${code}${said ? `: ${said}` : ''}). Try again; if it stays so, log in by hand and run: sudo true`,
  );
}
