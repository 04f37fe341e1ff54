// One PUT to the drop bucket. XMLHttpRequest, because fetch does not tell how much was sent.
import { ApiError, type Schemas } from "../lib/api";

/** S3 refused a part, or did not answer. `again`: ask for a new link and send it again. */
export class Refused extends ApiError {
  constructor(
    status: number,
    code: string,
    detail: string,
    readonly again: boolean,
  ) {
    super(status, code, detail);
  }
}

export function put(
  link: Schemas["UploadLinkView"],
  bytes: ArrayBuffer,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    let counted = 0;
    const count = (sent: number) => {
      progress(sent - counted);
      counted = sent;
    };
    const stop = () => request.abort();
    const fail = (fault: unknown) => {
      count(0);
      failed(fault);
    };
    request.open("PUT", link.url);
    for (const [name, value] of Object.entries(link.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => count(Math.min(event.loaded, bytes.byteLength));
    request.onload = () => {
      if (request.status >= 300) return fail(refusal(request.status, request.responseText));
      count(bytes.byteLength);
      done();
    };
    request.onerror = () => fail(new Refused(0, "UNREACHABLE", "The store did not answer. Check your network, then go on.", true));
    request.onabort = () => fail(new DOMException("The upload was paused.", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    if (signal.aborted) return fail(new DOMException("The upload was paused.", "AbortError"));
    request.send(bytes);
  });
}

const DIGESTS_DIFFER = /BadDigest|XAmzContentChecksumMismatch|XAmzContentSHA256Mismatch|InvalidDigest/;

function refusal(status: number, answer: string): Refused {
  if (status === 403) return new Refused(status, "LINK_EXPIRED", "The store refused the link: it expired, or the store denies access.", true);
  if (status === 404) return new Refused(status, "UPLOAD_GONE", "The upload is gone. Begin anew.", false);
  if (status === 400 && DIGESTS_DIFFER.test(answer)) {
    return new Refused(status, "FILE_CHANGED", "The file changed while it was uploaded. Choose it again.", false);
  }
  return new Refused(status, "STORE_REFUSED", `The store answered with status ${status}. Try again.`, status === 429 || status >= 500);
}
