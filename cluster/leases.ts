import type { Clock } from "../base/os/clock.ts";
import { isConflict } from "../client/api-error.ts";
import { release } from "../client/election.ts";
import { resources } from "../client/resources.ts";
import type { RestClient } from "../client/rest.ts";

const attemptsMost = 10;

/** Has nobody hold a lease any more. Resolves with who held it. Rejects where nobody does, or there is none. */
export async function takeLease(
  ref: { readonly namespace: string; readonly name: string },
  { client, clock }: { readonly client: RestClient; readonly clock: Clock },
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const lease = await client.get(resources.leases, ref);
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder === "") throw new Error(`nobody holds the lease ${ref.namespace}/${ref.name}`);
    try {
      await client.update(resources.leases, { ...lease, spec: release(lease.spec ?? {}, clock.wallMs()) });
      return holder;
    } catch (error) {
      if (!isConflict(error) || attempt >= attemptsMost) throw error; // it was just renewed
    }
  }
}
