import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, passing } from "./lib/api";
import { forget, key, signOut } from "./lib/key";
import { place } from "./lib/router";
import { caller, expired } from "./lib/session";
import { Empty, Failure, Loading } from "./ui/basics";
import { keepFocus } from "./ui/focus";
import { ImportPage } from "./pages/import";
import { Imports } from "./pages/imports";
import { SignIn, whoAmI } from "./pages/sign-in";

/** A service that did not say who the key belongs to is asked again after this time. */
const AGAIN_MS = 3_000;

/** Pages that a first view does not need are loaded when they are first shown. */
function later(load: () => Promise<ComponentType>): ComponentType {
  let found: ComponentType | null = null;
  return () => {
    const [Page, set] = useState<ComponentType | null>(() => found);
    const [error, setError] = useState<ApiError | null>(null);
    useEffect(() => {
      load().then(
        (page) => {
          found = page;
          set(() => page);
        },
        () => setError(new ApiError(0, "RELOAD", "A part of the dashboard could not be loaded: there may be a newer one. Reload the page.")),
      );
    }, []);
    if (error) return <Failure error={error} retry={() => location.reload()} />;
    return Page ? <Page /> : <Loading what="the page" />;
  };
}

const NewImport = later(() => import("./pages/new-import").then((m) => m.NewImport));
const ClipPage = later(() => import("./pages/clip").then((m) => m.ClipPage));
const UploadPage = later(() => import("./pages/upload").then((m) => m.UploadPage));
const Watches = later(() => import("./pages/watches").then((m) => m.Watches));
const Search = later(() => import("./pages/search").then((m) => m.Search));
const Integrations = later(() => import("./pages/integrations").then((m) => m.Integrations));
const Folders = later(() => import("./pages/folders").then((m) => m.Folders));
const Presets = later(() => import("./pages/presets").then((m) => m.Presets));
const Audit = later(() => import("./pages/audit").then((m) => m.Audit));
const Health = later(() => import("./pages/health").then((m) => m.Health));
const DeploymentHealth = later(() => import("./pages/health").then((m) => m.DeploymentHealth));
const Deployment = later(() => import("./pages/deployment").then((m) => m.Deployment));
const Keys = later(() => import("./pages/keys").then((m) => m.Keys));

type Listed = [path: string, label: string, page: ComponentType, shown: boolean];
const PAGES: Listed[] = [
  ["imports", "Imports", Imports, true],
  ["new", "New import", NewImport, false],
  ["upload", "Upload", UploadPage, true],
  ["watches", "Watches", Watches, true],
  ["search", "Find clips", Search, true],
  ["integrations", "Integrations", Integrations, true],
  ["folders", "Folders", Folders, true],
  ["presets", "Presets", Presets, true],
  ["audit", "Audit", Audit, true],
  ["health", "Health", Health, true],
  ["deployment", "Deployment", Deployment, true],
];
/** The admin key belongs to no project. */
const ADMIN_PAGES: Listed[] = [
  ["keys", "Keys", Keys, true],
  ["health", "Health", DeploymentHealth, true],
  ["deployment", "Deployment", Deployment, true],
];
const pages = () => (caller.value?.project === null ? ADMIN_PAGES : PAGES);
/** Pages without a link of their own are below one that has one. */
const ABOVE: Record<string, string> = { clips: "imports", new: "imports" };
/** The first page of the list is the one that an address without a page means. */
const currentPath = () => place.value.parts[0] ?? pages()[0]![0];

function Current() {
  const id = place.value.parts[1];
  const first = currentPath();
  if (caller.value?.project !== null && id) {
    if (first === "imports") return <ImportPage key={id} id={id} />;
    if (first === "clips") return <ClipPage key={id} />;
  }
  const page = pages().find(([path]) => path === first);
  if (!page) {
    return (
      <Empty title="There is no such page">
        <a href={`#/${pages()[0]![0]}`}>See {pages()[0]![1].toLowerCase()}</a>
      </Empty>
    );
  }
  const Page = page[2];
  return <Page />;
}

export function App() {
  const [error, setError] = useState<ApiError | null>(null);
  const known = caller.value;
  useEffect(() => {
    if (!key.value || caller.value) return;
    let timer = 0;
    const ask = () =>
      void whoAmI().then(
        () => setError(null),
        (fault: ApiError) => {
          if (fault.status === 401) return forget();
          setError(fault);
          if (passing(fault)) timer = window.setTimeout(ask, AGAIN_MS);
        },
      );
    ask();
    return () => clearTimeout(timer);
  }, [key.value]);
  const main = useRef<HTMLElement>(null);
  useEffect(() => (main.current ? keepFocus(main.current) : undefined), [known !== null]);
  const links = useRef<HTMLElement>(null);
  // On a narrow screen the links of the pages scroll. By `scrollIntoView` the next Tab would begin there.
  useEffect(() => {
    const [nav, one] = [links.current, links.current?.querySelector<HTMLElement>("[aria-current]")];
    if (nav && one) nav.scrollLeft = one.offsetLeft - nav.offsetLeft - (nav.clientWidth - one.offsetWidth) / 2;
  }, [currentPath(), known]);
  const id = place.value.parts[1];
  const label = pages().find(([path]) => path === currentPath())?.[1] ?? (currentPath() === "clips" ? "Clip" : "");
  useEffect(() => {
    document.title = [known && id, known ? label : "Sign in", "Clipferry"].filter(Boolean).join(" · ");
  }, [id, label, known]);
  if (!key.value) return <SignIn />;
  if (error) return <Failure error={error} retry={() => location.reload()} />;
  if (!known) return <Loading what="your project" />;
  const current = currentPath();
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={`#/${pages()[0]![0]}`}>
          Clipferry
        </a>
        <nav ref={links} aria-label="Pages">
          {pages()
            .filter((page) => page[3])
            .map(([path, label]) => (
              <a key={path} href={`#/${path}`} aria-current={current === path ? "page" : ABOVE[current] === path ? "true" : undefined}>
                {label}
              </a>
            ))}
        </nav>
        <span class="who">
          <span title={`Key ${known.id}`}>{known.project ?? "admin"}</span>
          <button class="small" onClick={signOut}>
            Sign out
          </button>
        </span>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        <Current />
      </main>
      {expired.value && <SignIn again />}
    </>
  );
}
