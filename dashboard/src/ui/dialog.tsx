import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../lib/api";
import { Failure } from "./basics";

/** A modal dialog: the browser keeps the focus inside, closes it with Escape, and gives the focus back at its end. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = box.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={box} onClose={close} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** Ask before `act`, which cannot be undone. A refusal shows in the dialog. */
export function Confirm(props: {
  title: string;
  action: string;
  close: () => void;
  act: () => Promise<void>;
  children: ComponentChildren;
}) {
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  async function go() {
    if (busy) return;
    setBusy(true);
    try {
      await props.act();
      props.close();
    } catch (fault) {
      setError(fault as ApiError);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog title={props.title} close={props.close}>
      {props.children}
      <Failure error={error} />
      <footer>
        <button onClick={props.close}>Keep</button>
        <button class="danger" aria-busy={busy} onClick={() => void go()}>
          {props.action}
        </button>
      </footer>
    </Dialog>
  );
}

/** A button whose request may fail: it waits while the request runs, keeps the focus, and shows the refusal beside itself. */
export function Act(props: {
  label: string;
  act: () => Promise<unknown>;
  /** The look of the button. */
  primary?: boolean;
  small?: boolean;
  disabled?: boolean;
  onError?: (error: ApiError | null) => void;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  async function go(form: HTMLFormElement | null) {
    // The browser names the field that is missing.
    if (busy || form?.reportValidity() === false) return;
    setBusy(true);
    props.onError?.(null);
    setError(null);
    try {
      await props.act();
    } catch (fault) {
      const said = fault instanceof ApiError ? fault : new ApiError(0, "UNKNOWN", fault instanceof Error ? fault.message : String(fault));
      if (props.onError) props.onError(said);
      else setError(said);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      <button
        class={props.primary ? "primary" : props.small ? "small" : ""}
        disabled={props.disabled}
        aria-busy={busy}
        onClick={(event) => void go(event.currentTarget.form)}
      >
        {props.label}
      </button>
      {error && <Failure error={error} />}
    </>
  );
}

/** For a form that a button opens: its first field takes the focus of the button, which is gone. */
export function useFirstField(): RefObject<HTMLFormElement> {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>("input, select")?.focus(), []);
  return form;
}
