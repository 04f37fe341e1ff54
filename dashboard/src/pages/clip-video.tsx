import { useRef, useState } from "preact/hooks";
import type { Clip, Schemas } from "../lib/api";
import { Failure, Loading } from "../ui/basics";
import { readable, useLink } from "./clip";

/** No link expires within this time: the shortest `clip_url_seconds` is 60. */
const SOON_MS = 60_000;
/** Views of a set may drift apart by this many seconds before they are set in step again. */
const DRIFT = 0.12;

/** The film, or all views of its set side by side: the first one leads, the others follow. */
export function Videos({ clip }: { clip: Schemas["ClipDetailView"] }) {
  const views: Clip[] = clip.views.length > 1 ? clip.views.filter(readable) : [clip];
  const films = useRef<(HTMLVideoElement | null)[]>([]);
  const [playing, setPlaying] = useState(false);
  // The others follow as soon as their links are there; one whose link is refused stops none.
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
              if (lead?.paused) void lead.play().catch(() => {});
              else lead?.pause();
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
              if (index === 0) setThere(film !== null);
            }}
            {...(index === 0 && views.length > 1 ? { follow } : {})}
            muted={index > 0}
          />
        ))}
      </div>
    </section>
  );
}

/** Where a film stood when it failed: a new link makes it load again. */
interface Place {
  time: number;
  rate: number;
  playing: boolean;
}

const UNPLAYABLE = "This browser cannot play the clip. It may not know its codec, or the copy may be gone; download it to play it elsewhere.";
const LOST = "The clip could not be read any further. Check your network.";

function Film(props: { clip: Clip; hold: (film: HTMLVideoElement | null) => void; follow?: (event: Event) => void; muted: boolean }) {
  const { url, error, renew } = useLink(props.clip.id);
  const [fault, setFault] = useState<string | null>(null);
  const kept = useRef<Place | null>(null);
  const renewed = useRef(performance.now());
  const label = props.clip.view ?? props.clip.run_name;
  const follow = props.follow;

  function again() {
    setFault(null);
    renewed.current = performance.now();
    renew();
  }
  function failed(event: Event) {
    const film = event.currentTarget as HTMLVideoElement;
    // While it loads again, the film is paused and at its start.
    if (film.readyState > 0 || !kept.current) kept.current = { time: film.currentTime, rate: film.playbackRate, playing: !film.paused };
    // A link that is old may have expired: take a new one, and go on from there.
    if (performance.now() - renewed.current > SOON_MS) return again();
    setFault(film.error?.code === MediaError.MEDIA_ERR_NETWORK || !navigator.onLine ? LOST : UNPLAYABLE);
  }
  function ready(film: HTMLVideoElement) {
    const place = kept.current;
    kept.current = null;
    // A browser that knows only the codec of the sound plays that.
    if (!film.videoWidth) setFault(UNPLAYABLE);
    if (!place) return;
    film.currentTime = place.time;
    film.playbackRate = place.rate;
    if (place.playing) void film.play().catch(() => {});
  }
  return (
    <figure>
      <Failure error={error} retry={again} />
      {!url && !error && <Loading what="the video" />}
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
          onLoadedMetadata={(event) => ready(event.currentTarget)}
          onPlay={follow}
          onPause={follow}
          onSeeked={follow}
          onTimeUpdate={follow}
          onRateChange={follow}
        />
      )}
      {fault && (
        <p class="note bad">
          {fault} <button class="small" onClick={again}>Try again</button>
        </p>
      )}
      <figcaption>{label}</figcaption>
    </figure>
  );
}
