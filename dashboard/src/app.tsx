import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "./lib/api";
import { key, signOut } from "./lib/key";
import { place } from "./lib/router";
import { caller, expired } from "./lib/session";
import { Empty, Failure, Loading } from "./ui/basics";
import { ImportPage } from "./pages/import";
import { Imports } from "./pages/imports";
import { SignIn, whoAmI } from "./pages/sign-in";

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
const Watches = later(() => import("./pages/watches").then((m) => m.Watches));
const Search = later(() => import("./pages/search").then((m) => m.Search));
const Integrations = later(() => import("./pages/integrations").then((m) => m.Integrations));
const Folders = later(() => import("./pages/folders").then((m) => m.Folders));
const Presets = later(() => import("./pages/presets").then((m) => m.Presets));
const Audit = later(() => import("./pages/audit").then((m) => m.Audit));
const Keys = later(() => import("./pages/keys").then((m) => m.Keys));

const PAGES: [path: string, label: string, page: ComponentType, shown: boolean][] = [
  ["imports", "Imports", Imports, true],
  ["new", "New import", NewImport, false],
  ["watches", "Watches", Watches, true],
  ["search", "Find clips", Search, true],
  ["integrations", "Integrations", Integrations, true],
  ["folders", "Folders", Folders, true],
  ["presets", "Presets", Presets, true],
  ["audit", "Audit", Audit, true],
];

function Current() {
  const [first = "imports", id] = place.value.parts;
  if (caller.value?.project === null) return <Keys />;
  if (first === "imports" && id) return <ImportPage key={id} id={id} />;
  if (first === "clips" && id) return <ClipPage key={id} />;
  const page = PAGES.find(([path]) => path === first);
  if (!page) {
    return (
      <Empty title="There is no such page">
        <a href="#/imports">See all imports</a>
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
    if (key.value && !caller.value) {
      whoAmI().catch((fault: ApiError) => (fault.status === 401 ? signOut() : setError(fault)));
    }
  }, [key.value]);
  if (!key.value) return <SignIn />;
  if (error) return <Failure error={error} retry={() => location.reload()} />;
  if (!known) return <Loading what="your project" />;
  const current = place.value.parts[0] ?? "imports";
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/imports">
          Clipferry
        </a>
        {known.project !== null && (
          <nav aria-label="Pages">
            {PAGES.filter((page) => page[3]).map(([path, label]) => (
              <a key={path} href={`#/${path}`} aria-current={current === path ? "page" : undefined}>
                {label}
              </a>
            ))}
          </nav>
        )}
        <span class="who">
          <span title={`Key ${known.id}`}>{known.project ?? "admin"}</span>
          <button
            class="small"
            onClick={() => {
              signOut();
              caller.value = null;
            }}
          >
            Sign out
          </button>
        </span>
      </header>
      <main id="main" tabIndex={-1}>
        <Current />
      </main>
      {expired.value && <SignIn again />}
    </>
  );
}
