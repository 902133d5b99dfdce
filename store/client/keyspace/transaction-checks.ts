import {
  checkOptions,
  type OptionKind,
  type OptionKinds,
  oneOf,
  shown,
  truth,
  wholeNumber,
} from "../../../base/options.ts";
import { callOptions } from "./call-options.ts";

const anything: OptionKind = { fits: () => true, must: "" };
const places = { key: anything, prefix: anything, from: anything, to: anything };
const op = oneOf("=", "!=", "<", ">");
/** What a condition looks at, and what goes with it. */
const targets: Readonly<Record<string, OptionKinds>> = {
  exists: { ...places, exists: truth },
  value: { ...places, value: anything, op },
  modRevision: { ...places, modRevision: wholeNumber(0), op },
  createRevision: { ...places, createRevision: wholeNumber(0), op },
  version: { ...places, version: wholeNumber(0), op },
  lease: { ...places, lease: callOptions.put.lease, op },
};
/** What an action does, and what goes with it. */
const verbs: Readonly<Record<string, OptionKinds>> = {
  put: { put: anything, value: anything, lease: callOptions.put.lease, previous: truth },
  get: { get: anything, limit: wholeNumber(0) },
  delete: { delete: anything, previous: truth },
  txn: { txn: anything },
};

/** Throws TypeError unless it looks at one thing, of a key or of a range. */
export function checkCondition(condition: unknown): void {
  checkOptions(
    condition,
    theOne(
      condition,
      targets,
      "a condition says exists, value, modRevision, createRevision, version or lease",
    ),
  );
}

/** Throws TypeError unless it does one thing. */
export function checkAction(action: unknown): void {
  checkOptions(action, theOne(action, verbs, "an action says put, get, delete or txn"));
}

function theOne(given: unknown, known: Readonly<Record<string, OptionKinds>>, rule: string): OptionKinds {
  if (typeof given !== "object" || given === null) throw new TypeError(`${rule}, and is not ${shown(given)}`);
  const said = Object.keys(known).filter((name) => name in given);
  const [only] = said;
  if (only === undefined || said.length > 1)
    throw new TypeError(said.length > 1 ? `${rule}, one of them: not ${said.join(" and ")}` : rule);
  if ((given as Record<string, unknown>)[only] === undefined)
    throw new TypeError(`${only}: undefined says nothing`);
  return known[only] ?? {};
}
