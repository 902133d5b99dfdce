import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import { Buckets, Counting } from "../../base/os/tally.ts";

const ttlBounds = exponentialBuckets(1, 2, 24); // a second to three months

/** What is counted of leases. */
export interface LeaseMetrics {
  readonly granted: Counting;
  readonly revoked: Counting;
  readonly renewed: Counting;
  /** In seconds, of leases that were granted. */
  readonly ttls: Buckets;
}

export const leaseMetrics = (meter: Meter): LeaseMetrics => ({
  granted: meter.tally("etcd_debugging_lease_granted_total", "The total number of granted leases.").of({}),
  revoked: meter.tally("etcd_debugging_lease_revoked_total", "The total number of revoked leases.").of({}),
  renewed: meter
    .tally("etcd_debugging_lease_renewed_total", "The number of renewed leases seen by the leader.")
    .of({}),
  ttls: meter
    .buckets("etcd_debugging_lease_ttl_total", "Bucketed histogram of lease TTLs.", ttlBounds)
    .of({}),
});

/** Counts what nobody reads. */
export const uncountedLeases = (): LeaseMetrics => ({
  granted: new Counting(),
  revoked: new Counting(),
  renewed: new Counting(),
  ttls: new Buckets(ttlBounds),
});
