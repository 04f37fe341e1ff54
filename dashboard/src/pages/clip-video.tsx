import { useRef, useState } from "preact/hooks";
import type { Clip, Schemas } from "../lib/api";
import { Failure } from "../ui/basics";
import { readable, useLink } from "./clip";

/** A film that fails again within this time after it got a new link cannot be played. */
const SOON_MS = 60_000;
/** Views of a set may drift apart by this many seconds before they are set in step again. */
const DRIFT = 0.12;

/** The film, or all views of its set side by side: the first one leads, the others follow. */
export function Videos({ clip }: { clip: Schemas["ClipDetailView"] }) {
  const views: Clip[] = clip.views.length > 1 ? clip.views.filter(readable) : [clip];
  const films = useRef<(HTMLVideoElement | null)[]>([]);
  const [playing, setPlaying] = useState(false);
  // Each film waits for its link.
  const [there, setThere] = useState(false);

  const others = () => films.current.slice(1).filter((film) => film !== null);
  function follow(event: Event) {
    const lead = event.currentTarget as HTMLVideoElement;
    for (const film of others()) {
      if (Math.abs(film.currentTime - lead.currentTime) > DRIFT) film.currentTime = lead.currentTime;
      film.playbackRate = lead.playbackRate;
      if (lead.paused && !film.paused) film.pause();
      if (!lead.paused && film.paused && film.currentTime < film.duration) void film.play().catch(() => {});
    }
    setPlaying(!lead.paused);
  }
  return (
    <section aria-label="Video">
      {views.length > 1 && (
        <div class="head">
          <h2>{views.length} views, in step</h2>
          <button
            disabled={!there}
            onClick={() => {
              const lead = films.current[0];
              if (lead) void (lead.paused ? lead.play() : lead.pause());
            }}
          >
            {playing ? "Pause all" : "Play all"}
          </button>
        </div>
      )}
      <div class="videos">
        {views.map((view, index) => (
          <Film
            key={view.id}
            clip={view}
            hold={(film) => {
              films.current[index] = film;
              setThere(films.current.length === views.length && films.current.every(Boolean));
            }}
            {...(index === 0 && views.length > 1 ? { follow } : {})}
            muted={index > 0}
          />
        ))}
      </div>
    </section>
  );
}

function Film(props: { clip: Clip; hold: (film: HTMLVideoElement | null) => void; follow?: (event: Event) => void; muted: boolean }) {
  const { url, error, renew } = useLink(props.clip.id);
  const [broken, setBroken] = useState(false);
  const kept = useRef(0);
  const renewed = useRef(-Infinity);
  const label = props.clip.view ?? props.clip.run_name;
  const follow = props.follow;

  function failed(event: Event) {
    // The link may have expired while the film stood still: take a new one, and go on from there.
    kept.current = (event.currentTarget as HTMLVideoElement).currentTime;
    if (performance.now() - renewed.current < SOON_MS) return setBroken(true);
    renewed.current = performance.now();
    renew();
  }
  return (
    <figure>
      <Failure error={error} />
      {url && (
        <video
          ref={props.hold}
          // The fragment makes the first frame the poster.
          src={`${url}#t=0.001`}
          aria-label={`Video ${label}`}
          controls
          playsInline
          preload="metadata"
          muted={props.muted}
          onError={failed}
          onLoadedMetadata={(event) => {
            if (kept.current) event.currentTarget.currentTime = kept.current;
          }}
          onPlay={follow}
          onPause={follow}
          onSeeked={follow}
          onTimeUpdate={follow}
          onRateChange={follow}
        />
      )}
      {broken && <p class="note bad">This browser cannot play the clip. Its codec may be unknown to it; download it to play it elsewhere.</p>}
      <figcaption>{label}</figcaption>
    </figure>
  );
}
