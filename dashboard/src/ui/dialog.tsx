import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../lib/api";
import { Failure } from "./basics";

/** A modal dialog: the browser keeps the focus inside and closes it with Escape. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => box.current?.showModal(), []);
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
        <button class="danger" disabled={busy} onClick={() => void go()}>
          {props.action}
        </button>
      </footer>
    </Dialog>
  );
}

/** A button whose request may fail: it waits while the request runs, and shows the refusal beside itself. */
export function Act(props: {
  label: string;
  act: () => Promise<unknown>;
  primary?: boolean;
  danger?: boolean;
  disabled?: boolean;
  onError?: (error: ApiError | null) => void;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  async function go() {
    setBusy(true);
    props.onError?.(null);
    setError(null);
    try {
      await props.act();
    } catch (fault) {
      const said = fault instanceof ApiError ? fault : new ApiError(0, "UNKNOWN", String(fault));
      if (props.onError) props.onError(said);
      else setError(said);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      <button
        class={props.primary ? "primary" : props.danger ? "danger" : ""}
        disabled={busy || props.disabled}
        aria-busy={busy}
        onClick={() => void go()}
      >
        {props.label}
      </button>
      {error && <Failure error={error} />}
    </>
  );
}
