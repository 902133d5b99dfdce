import { type Kind, kindKey } from "../api/discovery.ts";
import { titleOf } from "../model/menu.ts";
import { to } from "../route.ts";
import { Late } from "../ui/late.tsx";

const load = () => import("../editor/new-object.tsx").then(({ NewObject }) => NewObject);

/** An object from YAML. */
export const NewPage = ({ kind }: { readonly kind: Kind }) => (
  <section class="page page-list">
    <nav class="crumbs" aria-label="Where this is">
      <a href={to(["k", ...kindKey(kind).split("/")])}>{titleOf(kind)}</a>
    </nav>
    <div class="page-head">
      <h1>New {kind.kind}</h1>
    </div>
    <Late key={kindKey(kind)} load={load} props={{ kind }} />
  </section>
);
