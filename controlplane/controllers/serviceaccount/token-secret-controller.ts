import { UsageError } from "../../../base/os/flags.ts";
import { signJws } from "../../../base/os/jws.ts";
import { type SigningKey, signingKey } from "../../../base/os/signing-keys.ts";
import { isConflict, isNotFound, orAbsent } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Secret, ServiceAccount } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { rootCa } from "./namespace-content-controllers.ts";
import {
  accountNameOf,
  accountUidOf,
  isOf,
  planTokenSecret,
  tokenSecretType,
  withoutSecret,
} from "./plan-token-secret.ts";

/** Keys of secrets that are gone: namespace, name, and the account they said to be of. All are names without a slash. */
const gonePrefix = "gone:";

/** Fills secrets that ask for a service account's token, deletes them with their account, and takes those that are gone out of
 *  its list. */
export const tokenSecretController: Controller = {
  name: "serviceaccount-token-controller",
  workers: 5,
  enabled: ({ serviceAccountPrivateKeyFile }) => serviceAccountPrivateKeyFile !== undefined,
  setUp(context, queue) {
    const { client, config, informers } = context;
    const { key, keyId, algorithm } = keyIn(config.serviceAccountPrivateKeyFile ?? "", config.readText);
    const caPem = rootCa(config);
    const secrets = informers.informer(resources.secrets, { fieldSelector: `type=${tokenSecretType}` });
    const accounts = informers.informer(resources.serviceaccounts);
    const enqueue = ({ metadata }: Secret) => queue.add(`${metadata.namespace}/${metadata.name}`);
    secrets.subscribe({
      onAdd: enqueue,
      onUpdate: enqueue,
      onDelete: (secret) => {
        const { namespace, name } = secret.metadata;
        const parts = [namespace, name, accountNameOf(secret), accountUidOf(secret)];
        if (accountNameOf(secret) !== "") queue.add(gonePrefix + parts.join("/"));
      },
    });
    const enqueueOf = ({ metadata }: ServiceAccount) => {
      for (const secret of secrets.list())
        if (secret.metadata.namespace === metadata.namespace && accountNameOf(secret) === metadata.name)
          enqueue(secret);
    };
    accounts.subscribe({ onAdd: enqueueOf, onDelete: enqueueOf });
    const sign = (claims: object) => signJws({ ...claims }, { key, keyId, algorithm });
    return async (where) => {
      if (where.startsWith(gonePrefix)) {
        const [namespace = "", name = "", account = "", uid = ""] = where.slice(gonePrefix.length).split("/");
        // One of the same name may have come.
        if (secrets.get({ namespace, name }) === undefined)
          await dropReference(context, { namespace, name: account, uid }, name);
        return;
      }
      const cached = secrets.getByKey(where);
      if (cached === undefined) return;
      const name = accountNameOf(cached);
      if (name === "") return;
      const ref = { namespace: cached.metadata.namespace ?? "", name };
      const known = accounts.get(ref);
      // What is missing here may only not have come yet.
      const account = known && isOf(cached, known) ? known : await accountNow(context, ref);
      const plan = planTokenSecret(cached, account, { caPem, sign });
      try {
        if (plan.action === "fill") await client.update(resources.secrets, plan.secret);
        else if (plan.action === "delete") {
          const { uid, resourceVersion } = cached.metadata;
          const at = { namespace: ref.namespace, name: cached.metadata.name };
          await client.delete(resources.secrets, at, { preconditions: { uid, resourceVersion } });
        }
      } catch (error) {
        // Changed or gone meanwhile: what the cache shows next decides.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
  },
};

async function dropReference(
  context: ControllerContext,
  account: { readonly namespace: string; readonly name: string; readonly uid: string },
  secretName: string,
): Promise<void> {
  const found = await accountNow(context, account);
  const changed = found && withoutSecret(found, secretName, account.uid);
  if (changed === undefined) return;
  try {
    await context.client.update(resources.serviceaccounts, changed);
  } catch (error) {
    if (!isNotFound(error)) throw error; // after a conflict it is read again
  }
}

function accountNow(
  { client }: ControllerContext,
  ref: { readonly namespace: string; readonly name: string },
): Promise<ServiceAccount | undefined> {
  return orAbsent(client.get(resources.serviceaccounts, ref));
}

/** Throws UsageError when the file cannot be read or holds no such key. */
function keyIn(path: string, readText: (path: string) => string): SigningKey {
  try {
    return signingKey(readText(path));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--service-account-private-key-file: cannot use ${path}: ${why}`);
  }
}
