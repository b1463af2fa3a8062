// The waveform: fetching peaks, drawing them as thin bars with the played part in ink and the playhead in accent.

const BAR = 2.5;
const GAP = 2;

export function clock(seconds) {
  const tenths = Math.floor((seconds || 0) * 10);
  const minutes = Math.floor(tenths / 600);
  const rest = tenths - minutes * 600;
  const short = `${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
  return minutes < 60 ? `${minutes}:${short}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${short}`;
}

/** Peaks 0..1 from a small JSON file; an empty list when there are none. */
export async function loadPeaks(url) {
  if (!url) return [];
  try {
    const answer = await fetch(url, { credentials: "same-origin" });
    return answer.ok ? (await answer.json()).peaks : [];
  } catch {
    return [];
  }
}

export function drawWave(canvas, peaks, share) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const style = getComputedStyle(canvas);
  const [ink, rest, now] = ["--wave-played", "--wave-rest", "--wave-now"].map((name) => style.getPropertyValue(name));
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const count = Math.floor(width / (BAR + GAP));
  const head = share * width;
  for (let index = 0; index < count; index += 1) {
    const from = Math.floor((index / count) * peaks.length);
    const to = Math.max(from + 1, Math.floor(((index + 1) / count) * peaks.length));
    let peak = 0;
    for (let at = from; at < to && at < peaks.length; at += 1) peak = Math.max(peak, peaks[at]);
    const tall = Math.max(2, peak * (height - 6));
    const x = index * (BAR + GAP);
    pen.fillStyle = x <= head ? ink : rest;
    pen.beginPath();
    pen.roundRect(x, (height - tall) / 2, BAR, tall, BAR / 2);
    pen.fill();
  }
  pen.fillStyle = now;
  pen.beginPath();
  pen.roundRect(Math.min(Math.max(head - 1, 0), width - 2), 0, 2, height, 1);
  pen.fill();
}
