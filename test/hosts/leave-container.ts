import { setTimeout as sleep } from 'node:timers/promises';
import { $ } from '../shell.ts';
import { claimEngine, LABEL, runId } from './engine.ts';

/** A run that starts a container, says its name and never ends by itself: a test kills it. */
const [image] = process.argv.slice(2);
await claimEngine();
await $`docker run --detach --label ${LABEL}=${runId()} ${image} sleep 1000`;
console.log(runId());
await sleep(100_000);
