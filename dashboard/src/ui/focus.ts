/**
 * Keep the focus in `main`: if the control that has it goes away, its section takes it, or the page. Otherwise a screen
 * reader begins at the top again after each deletion, retry and closed form. Returns how to stop.
 */
export function keepFocus(main: HTMLElement): () => void {
  /** What has the focus, and the elements around it, from the inner to the outer. */
  let around: Element[] = [];
  function focused(event: FocusEvent): void {
    around = [];
    for (let one = event.target as Element | null; one; one = one.parentElement) around.push(one);
  }
  const clicked = () => (around = []);
  const watch = new MutationObserver(() => {
    if (document.activeElement !== document.body || !around[0] || around[0].isConnected) return;
    const next = around.find((one) => one.isConnected && one.matches("section, article, main")) as HTMLElement | undefined;
    around = [];
    if (!next) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
  });
  main.addEventListener("focusin", focused);
  main.addEventListener("pointerdown", clicked, true);
  watch.observe(main, { childList: true, subtree: true });
  return () => {
    watch.disconnect();
    main.removeEventListener("focusin", focused);
    main.removeEventListener("pointerdown", clicked, true);
  };
}
