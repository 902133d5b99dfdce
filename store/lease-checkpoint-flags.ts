import type { FlagRow } from "../base/os/flags.ts";

/** etcd's, for which it has no flag. */
const everyMs = 5 * 60_000;

const gate = (name: string) =>
  ({
    kind: "boolean",
    help: `the same as --feature-gates=${name}=true`,
    default: false,
    hidden: true,
  }) as const satisfies FlagRow;

export const leaseCheckpointFlagRows = {
  "experimental-enable-lease-checkpoint": gate("LeaseCheckpoint"),
  "experimental-enable-lease-checkpoint-persist": gate("LeaseCheckpointPersist"),
} as const;

/** How often the leader has all members know how much time leases have left; undefined: never. Checkpoints are always kept over
 *  restarts, as they are in clusters of 3.6 and later. Throws where the gates do not go together. */
export function leaseCheckpointEveryMs(
  flags: Readonly<Record<keyof typeof leaseCheckpointFlagRows, boolean>>,
  gates: ReadonlyMap<string, boolean>,
): number | undefined {
  const isOn = gates.get("LeaseCheckpoint") ?? flags["experimental-enable-lease-checkpoint"];
  const persists =
    gates.get("LeaseCheckpointPersist") ?? flags["experimental-enable-lease-checkpoint-persist"];
  if (persists && !isOn)
    throw new Error(
      "--feature-gates: enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint",
    );
  return isOn ? everyMs : undefined;
}
