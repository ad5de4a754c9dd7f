/** The long forms of proofs that the checks run in short: the same tests, told to count further. */
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '..', '..');

/** An hour: 10^6 reads and every call of a life take minutes on a machine of two cores. */
const TEST_TIMEOUT_MS = 3_600_000;

interface Proof {
  readonly file: string;
  /** `SPANLAKE_TEST_*` that take the number given. */
  readonly counts: readonly string[];
}

/** By flag. */
export const PROOFS = {
  flips: { file: 'src/store/lake/damage.test.ts', counts: ['FLIPS'] },
  histories: { file: 'src/store/lake/model.test.ts', counts: ['HISTORIES'] },
  reads: { file: 'src/store/lake/reads.test.ts', counts: ['READS'] },
  'power-step': { file: 'src/store/lake/power-loss.test.ts', counts: ['POWERSTEP'] },
  'fault-step': { file: 'src/store/lake/faults.test.ts', counts: ['FAULTSTEP'] },
} as const satisfies Record<string, Proof>;

export type ProofName = keyof typeof PROOFS;

export const PROOF_NAMES = Object.keys(PROOFS) as readonly ProofName[];

/** Shows what the tests print; true when they pass. */
export async function runProof(name: ProofName, count: number): Promise<boolean> {
  const { file, counts } = PROOFS[name];
  const env = Object.fromEntries(counts.map((variable) => [`SPANLAKE_TEST_${variable}`, String(count)]));
  const child = Bun.spawn([process.execPath, 'test', `--timeout=${TEST_TIMEOUT_MS}`, `./${file}`], {
    cwd: ROOT,
    env: { ...Bun.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return (await child.exited) === 0;
}
