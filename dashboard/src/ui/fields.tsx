// Fields that several pages have.
import { useLayoutEffect, useState } from "preact/hooks";
import { all, at, type Schemas } from "../lib/api";
import type { FilterTexts } from "../lib/filters";
import { LAST_TIME } from "../lib/format";
import { once, useLive } from "../lib/live";
import { Failure } from "./basics";

type Type = "text" | "datetime-local";

/** A field that counts once the user leaves it or presses Enter. Until then it keeps what was typed, also when the page is drawn again. */
export function Entered({ value, commit, type = "text", ...rest }: { value: string; commit?: (text: string) => void; type?: Type; name?: string; class?: string; placeholder?: string }) {
  const [text, setText] = useState(value);
  useLayoutEffect(() => setText(value), [value]);
  return (
    <input
      {...rest}
      type={type}
      value={text}
      spellcheck={false}
      {...(type === "datetime-local" ? { max: LAST_TIME } : {})}
      onInput={(event) => setText(event.currentTarget.value)}
      onChange={(event) => commit?.(event.currentTarget.value.trim())}
    />
  );
}

/** A form's texts, and how it changes some of them. */
export interface Part<D> {
  draft: D;
  set: (change: Partial<D>) => void;
}
type Of<D> = Part<D> & { name: keyof D & string; label: string; placeholder?: string };

export function Text<D>({ draft, set, name, label, hint, type = "text", placeholder = "" }: Of<D> & { hint?: string; type?: Type }) {
  return (
    <div>
      <label>
        {label}
        <input
          type={type}
          value={String(draft[name])}
          placeholder={placeholder}
          spellcheck={false}
          {...(type === "datetime-local" ? { max: LAST_TIME } : {})}
          {...(hint ? { "aria-describedby": `${name}-hint` } : {})}
          onInput={(event) => set({ [name]: event.currentTarget.value } as Partial<D>)}
        />
      </label>
      {hint && <span class="hint" id={`${name}-hint`}>{hint}</span>}
    </div>
  );
}

export function Area<D>({ draft, set, name, label, placeholder = "" }: Of<D>) {
  return (
    <label>
      {label}
      <textarea value={String(draft[name])} placeholder={placeholder} spellcheck={false} onInput={(event) => set({ [name]: event.currentTarget.value } as Partial<D>)} />
    </label>
  );
}

export function FilterFields<D extends FilterTexts>(part: Part<D>) {
  return (
    <>
      <div class="row">
        <Area {...part} name="include" label="Include: patterns, one a line" placeholder="*.zip" />
        <Area {...part} name="exclude" label="Exclude: patterns, one a line" placeholder="night/" />
      </div>
      <div class="row pairs">
        <Text {...part} name="min_size" label="Smallest size" placeholder="1 MB" />
        <Text {...part} name="max_size" label="Largest size" placeholder="2 GB" />
        <Text {...part} name="modified_after" label="Changed from" type="datetime-local" />
        <Text {...part} name="modified_before" label="Changed before" type="datetime-local" />
      </div>
    </>
  );
}

interface Chosen {
  execution_settings_id: string;
  integration_id: string;
}

/** The project's presets and integrations. A preset that the user just saved is in the next answer. */
export function SavedFields<D extends Chosen>({ draft, set }: Part<D>) {
  const presets = useLive(() => all<Schemas["ExecutionSettingsView"]>(at("/v1/execution-settings"), "execution_settings"), once, [], { again: [draft.execution_settings_id] });
  const integrations = useLive(() => all<Schemas["IntegrationView"]>(at("/v1/integrations"), "integrations"), once, []);
  const choice = (name: keyof Chosen, label: string, none: string, known: [id: string, text: string][] = []) => (
    <label>
      {label}
      <select value={draft[name]} onChange={(event) => set({ [name]: event.currentTarget.value } as Partial<D>)}>
        <option value="">{none}</option>
        {/* The chosen one may be gone, or its list may not be there yet. */}
        {draft[name] && !known.some(([id]) => id === draft[name]) && <option value={draft[name]}>{draft[name]}</option>}
        {known.map(([id, text]) => <option key={id} value={id}>{text}</option>)}
      </select>
    </label>
  );
  return (
    <>
      <div class="row">
        {choice("execution_settings_id", "Preset", "None: the settings below", presets.data?.map((one) => [one.id, one.name]))}
        {choice("integration_id", "Integration", "The project's own for the bucket", integrations.data?.map((one) => [one.id, `${one.name} (${one.bucket})`]))}
      </div>
      <Failure error={presets.error ?? integrations.error} />
    </>
  );
}
