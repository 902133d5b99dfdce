import { dns1123Subdomain } from "../../../client/rules/names.ts";
import { ApiError } from "../api-error.ts";
import type { User } from "./authentication.ts";
import { type Attributes, accessForbidden, type ResourceAttributes } from "./authorization.ts";
import type { Authorizer } from "./authorizer.ts";
import type { WantedUser } from "./impersonation-headers.ts";
import { nodeNameKey, nodeOf, serviceAccountGroups, serviceAccountOf } from "./service-account-user.ts";

/** Acting as somebody else. Kubernetes 1.36 tries modes in an order: the constrained ones (KEP-5284) want
 *  `impersonate:MODE` on the identity and `impersonate-on:MODE:VERB` on the request itself; the original one wants the
 *  plain `impersonate` verb. The first mode that allows it decides who the user becomes; if none does, the first
 *  refusal is the answer. A service account with a token of a pod may be given its own node to act as, and no other. */
interface Mode {
  readonly name: string;
  readonly fits: (wanted: WantedUser, requestor: User) => boolean;
  /** Who may act as its own node may on whichever node it is, and so is asked about none in particular. */
  readonly anyNode?: true;
}

const onlyName = ({ uid, groups, extra }: WantedUser) =>
  uid === "" && groups.length === 0 && Object.keys(extra).length === 0;
const constrainedModes: readonly Mode[] = [
  {
    name: "associated-node",
    fits: (wanted, { name, extra = {} }) => {
      const node = nodeOf(wanted.name);
      const own = extra[nodeNameKey] ?? [];
      return (
        onlyName(wanted) &&
        node !== undefined &&
        serviceAccountOf(name) !== undefined &&
        own.length === 1 &&
        own[0] === node
      );
    },
    anyNode: true,
  },
  { name: "arbitrary-node", fits: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  {
    name: "serviceaccount",
    fits: (wanted) => onlyName(wanted) && serviceAccountOf(wanted.name) !== undefined,
  },
  {
    name: "user-info",
    fits: ({ name }) => nodeOf(name) === undefined && serviceAccountOf(name) === undefined,
  },
];

export interface ImpersonationRequest {
  readonly requestor: User;
  readonly wanted: WantedUser;
  /** What the request itself asks for. */
  readonly attributes: Attributes;
}

export interface Impersonated {
  readonly user: User;
  /** Which of the modes allowed it. */
  readonly mode: string;
}

/** Told that something is asked in the mode; what it returns is told the answer. */
export type Deciding = (mode: string) => (decision: "allowed" | "denied") => void;

function observed(mode: string, authorizer: Authorizer, deciding: Deciding | undefined): Authorizer {
  if (deciding === undefined) return authorizer;
  return async (user, wanted) => {
    const decided = deciding(mode);
    const decision = await authorizer(user, wanted);
    decided(decision.allowed ? "allowed" : "denied");
    return decision;
  };
}

const usersMax = 10_000;

/** Which mode last allowed each user to act as somebody else: it is tried first, since most users know only one. Keeps the
 *  users who did so last. */
export class LastModes {
  readonly #byUser = new Map<string, string>();

  of(user: string): string | undefined {
    return this.#byUser.get(user);
  }

  note(user: string, mode: string): void {
    this.#byUser.delete(user);
    this.#byUser.set(user, mode);
    const [oldest] = this.#byUser.keys();
    if (this.#byUser.size > usersMax && oldest !== undefined) this.#byUser.delete(oldest);
  }
}

/** The user that the request is made as from here on. Fails with 403. */
export async function impersonate(
  request: ImpersonationRequest,
  authorizer: Authorizer,
  { deciding, last = new LastModes() }: { readonly deciding?: Deciding; readonly last?: LastModes } = {},
): Promise<Impersonated> {
  let firstRefusal: ApiError | undefined;
  const { name } = request.requestor;
  const attempts = [
    ...constrainedModes
      .filter(({ fits }) => fits(request.wanted, request.requestor))
      .map((mode) => ({
        mode: mode.name,
        run: () => constrained(mode, request, observed(mode.name, authorizer, deciding)),
      })),
    {
      mode: "legacy",
      run: () =>
        identity(
          request,
          { verb: "impersonate", constrained: false },
          observed("legacy", authorizer, deciding),
        ),
    },
  ];
  const usual = last.of(name);
  attempts.sort((a, b) => Number(b.mode === usual) - Number(a.mode === usual));
  for (const { mode, run } of attempts) {
    try {
      const user = await run();
      last.note(name, mode);
      return { user, mode };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      firstRefusal ??= error;
    }
  }
  throw firstRefusal;
}

async function constrained(
  { name, anyNode }: Mode,
  request: ImpersonationRequest,
  authorizer: Authorizer,
): Promise<User> {
  const { attributes } = request;
  const requestor = anyNode ? withoutPlace(request.requestor) : request.requestor;
  await require(requestor, { ...attributes, verb: `impersonate-on:${name}:${attributes.verb}` }, authorizer);
  const mode = { verb: `impersonate:${name}`, constrained: true, ...(anyNode && { nodeName: "*" }) };
  return identity({ ...request, requestor }, mode, authorizer);
}

/** The same on every node: only which facts are known of it, not what they are. */
function withoutPlace(user: User): User {
  const keys = Object.keys(user.extra ?? {}).sort();
  return { ...user, extra: { "authentication.kubernetes.io/associated-node-keys": keys } };
}

interface IdentityMode {
  readonly verb: string;
  readonly constrained: boolean;
  /** Stands for the node's name in questions. */
  readonly nodeName?: string;
}

/** Every part of the identity must be allowed; then the groups that follow from the name are added. */
async function identity(
  { requestor, wanted }: ImpersonationRequest,
  mode: IdentityMode,
  authorizer: Authorizer,
): Promise<User> {
  const own = mode.constrained ? "authentication.k8s.io" : "";
  const ask = (part: Partial<ResourceAttributes>): ResourceAttributes => ({
    verb: mode.verb,
    group: "authentication.k8s.io",
    plural: "",
    subresource: "",
    namespace: "",
    name: "",
    ...part,
  });
  const node = mode.constrained ? nodeOf(wanted.name) : undefined;
  const account = serviceAccountOf(wanted.name);
  if (node !== undefined)
    await require(requestor, ask({ group: own, plural: "nodes", name: mode.nodeName ?? node }), authorizer);
  else if (account !== undefined)
    await require(requestor, ask({ group: own, plural: "serviceaccounts", ...account }), authorizer);
  else await require(requestor, ask({ group: own, plural: "users", name: wanted.name }), authorizer);
  if (wanted.uid !== "") await require(requestor, ask({ plural: "uids", name: wanted.uid }), authorizer);
  if (mode.constrained) checkGroups(requestor, wanted.groups, ask({ group: own, plural: "groups" }));
  for (const name of wanted.groups)
    await require(requestor, ask({ group: own, plural: "groups", name }), authorizer);
  if (mode.constrained) checkExtra(requestor, wanted.extra, ask({ plural: "userextras" }));
  for (const [subresource, values] of Object.entries(wanted.extra))
    for (const name of values)
      await require(requestor, ask({ plural: "userextras", subresource, name }), authorizer);
  const implied =
    node !== undefined
      ? ["system:nodes"]
      : account !== undefined && wanted.groups.length === 0
        ? serviceAccountGroups(account.namespace)
        : wanted.groups;
  return {
    name: wanted.name,
    groups: withEverybodysGroup(wanted.name, implied),
    ...(wanted.uid !== "" && { uid: wanted.uid }),
    ...(Object.keys(wanted.extra).length > 0 && { extra: wanted.extra }),
  };
}

function withEverybodysGroup(name: string, groups: readonly string[]): readonly string[] {
  const unauthenticated = "system:unauthenticated";
  if (name !== "system:anonymous" && groups.includes(unauthenticated)) return groups;
  const everybody = name === "system:anonymous" ? unauthenticated : "system:authenticated";
  return groups.includes(everybody) ? groups : [...groups, everybody];
}

const pathPattern = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

/** What the constrained modes never allow. */
function checkGroups(requestor: User, groups: readonly string[], asked: ResourceAttributes): void {
  if (groups.includes(""))
    throw accessForbidden(requestor, asked, "impersonating the empty string group is not allowed");
  const masters = "system:masters";
  if (groups.includes(masters))
    throw accessForbidden(
      requestor,
      { ...asked, name: masters },
      "impersonating the system:masters group is not allowed",
    );
}

function checkExtra(requestor: User, extra: WantedUser["extra"], asked: ResourceAttributes): void {
  const refuse = (why: string) => accessForbidden(requestor, asked, why);
  for (const [key, values] of Object.entries(extra)) {
    if (key === "") throw refuse("impersonating the empty string key in extra is not allowed");
    const slash = key.indexOf("/");
    if (
      slash < 0 ||
      dns1123Subdomain(key.slice(0, slash)).length > 0 ||
      !pathPattern.test(key.slice(slash + 1))
    )
      throw refuse(
        `impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ${JSON.stringify(key)}: must be a domain-prefixed path (such as "acme.io/foo")`,
      );
    if (key !== key.toLowerCase())
      throw refuse(`impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`);
    if (values.includes("")) throw refuse("impersonating the empty string value in extra is not allowed");
  }
}

async function require(user: User, wanted: Attributes, authorizer: Authorizer): Promise<void> {
  const { allowed, reason } = await authorizer(user, wanted);
  if (!allowed) throw accessForbidden(user, wanted, reason);
}
