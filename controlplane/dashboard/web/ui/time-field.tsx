import { param, setParams } from "../route.ts";

/** A time of this place; the address has it in UTC. */
export function TimeField({ name, label }: { readonly name: string; readonly label: string }) {
  const ms = Date.parse(param(name));
  const local = Number.isNaN(ms)
    ? ""
    : new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString();
  return (
    <label class="check">
      {label}
      <input
        type="datetime-local"
        step="1"
        value={local.slice(0, 19)}
        onChange={({ currentTarget: { value } }) => {
          const given = new Date(value);
          setParams({ [name]: Number.isNaN(given.getTime()) ? "" : given.toISOString() });
        }}
      />
    </label>
  );
}
