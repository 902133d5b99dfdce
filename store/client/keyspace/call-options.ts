import {
  abortSignal,
  type OptionKind,
  type OptionKinds,
  oneOf,
  positiveNumber,
  truth,
  wholeNumber,
} from "../../../base/options.ts";
import { isLeaseId } from "./lease-id.ts";

/** What each call takes. */
const revision = wholeNumber(0);
const lease: OptionKind = { fits: isLeaseId, must: "a lease, or its id as a bigint" };
const signal = abortSignal;

const call = { timeoutMs: positiveNumber, signal };
const read = { ...call, revision, serializable: truth };

export const callOptions = {
  call,
  read,
  range: {
    ...read,
    limit: wholeNumber(0),
    sortBy: oneOf("key", "version", "createRevision", "modRevision", "value"),
    order: oneOf("ascending", "descending"),
    minModRevision: revision,
    maxModRevision: revision,
    minCreateRevision: revision,
    maxCreateRevision: revision,
  },
  entries: { ...read, pageSize: wholeNumber(1) },
  put: { ...call, lease, previous: truth },
  delete: { ...call, previous: truth },
  update: { ...call, lease },
  watch: { from: revision, previous: truth, only: oneOf("put", "delete"), signal },
  lease: { renew: truth, signal },
  lock: {
    ttlSeconds: wholeNumber(1),
    lease: {
      fits: (value) =>
        typeof value === "object" &&
        isLeaseId(value) &&
        abortSignal.fits((value as { signal?: unknown }).signal),
      must: "a lease, as `lease` answers it",
    },
    signal,
  },
  observe: { signal },
} as const satisfies Record<string, OptionKinds>;
