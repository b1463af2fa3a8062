// What every upload by tus 1.0 shares, and small files in one piece.
import { csrfToken } from "./app.js";

export const TUS = { "Tus-Resumable": "1.0.0" };

export class Refused extends Error {}

/** The server's words for what it did not take. */
export async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Refused(problem.detail ?? String(answer.status));
}

/** Send a small file that the page made itself; the id of the asset that it became. Throws Refused with the server's words. */
export async function uploadBlob(endpoint, blob, name, kind) {
  const named = `filename ${btoa(name)},kind ${btoa(kind)}`;
  const made = await fetch(endpoint, {
    method: "POST",
    credentials: "same-origin",
    headers: { ...TUS, "X-CSRFToken": csrfToken(), "Upload-Length": String(blob.size), "Upload-Metadata": named },
  });
  if (made.ok) {
    const headers = { ...TUS, "X-CSRFToken": csrfToken(), "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream" };
    const sent = await fetch(made.headers.get("Location"), { method: "PATCH", body: blob, headers, credentials: "same-origin" });
    if (sent.ok) return sent.headers.get("Kinoglot-Asset");
    throw await refusal(sent);
  }
  throw await refusal(made);
}
