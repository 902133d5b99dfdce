import { type Kind, kindKey } from "../api/discovery.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { go, namespace, setParams, to } from "../route.ts";

/** To the editor of an object, from its YAML. */
export function EditButton({
  kind,
  where,
  name,
}: {
  readonly kind: Kind;
  readonly where: string;
  readonly name: string;
}) {
  const { group, plural } = kind;
  if (!kind.verbs.includes("update")) return null;
  const may = allows(rightsIn(where), { verb: "update", group, resource: plural, name });
  return (
    <button
      type="button"
      disabled={!may}
      title={may ? undefined : `You may not update ${plural} here`}
      onClick={() => setParams({ edit: "1" })}
    >
      Edit
    </button>
  );
}

/** To the editor of an object that is to be made, from the list of its kind. */
export function NewButton({ kind }: { readonly kind: Kind }) {
  if (!kind.verbs.includes("create")) return null;
  const { group, plural } = kind;
  const may = allows(rightsIn(kind.namespaced ? namespace.value : ""), {
    verb: "create",
    group,
    resource: plural,
  });
  return (
    <button
      type="button"
      disabled={!may}
      title={may ? undefined : `You may not create ${plural} here`}
      onClick={() => go(to(["new", ...kindKey(kind).split("/")]))}
    >
      New
    </button>
  );
}
