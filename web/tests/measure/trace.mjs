// Traces of the browser: what its main thread did, and which frames it left out.
import { gzipSync } from 'node:zlib';

import { round } from './numbers.mjs';

const CATEGORIES = [
  '-*',
  'toplevel',
  'blink.user_timing',
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-devtools.timeline.frame',
];

export const beginTrace = (browser, page) => browser.startTracing(page, { categories: CATEGORIES });

export async function endTrace(browser) {
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return traceEvents;
}

/** The thread on which the keys were handled. */
function mainThread(events) {
  const key = events.find((event) => event.name === 'EventDispatch' && event.args?.data?.type === 'keydown');
  return { pid: key.pid, tid: key.tid };
}

export function readTrace(events) {
  const main = mainThread(events);
  const tasks = events.filter(
    (event) => event.pid === main.pid && event.tid === main.tid && event.name === 'RunTask' && event.ph === 'X',
  );
  const ms = tasks.map((task) => task.dur / 1000);
  // Time of the processor alone, which other work on the machine does not lengthen.
  const own = tasks.map((task) => (task.tdur ?? task.dur) / 1000);
  const frames = (name) =>
    events
      .filter((event) => event.pid === main.pid && event.name === name)
      .map((event) => event.args.frameSeqId);
  const drawn = frames('DrawFrame');
  // A frame that begins while the one before is being handed over is noted as dropped at its
  // beginning, and drawn a moment later all the same.
  const noted = frames('DroppedFrame');
  return {
    longest_task: round(Math.max(0, ...ms)),
    longest_task_cpu: round(Math.max(0, ...own)),
    tasks_over_16: ms.filter((one) => one > 16).length,
    tasks_over_50: ms.filter((one) => one > 50).length,
    busy_cpu_ms: round(own.reduce((sum, one) => sum + one, 0)),
    drawn: drawn.length,
    noted_as_dropped: noted.length,
    dropped: new Set(noted.filter((frame) => !drawn.includes(frame))).size,
  };
}

const KEPT = new Set([
  'EventDispatch',
  'FunctionCall',
  'UpdateLayoutTree',
  'Layout',
  'PrePaint',
  'Paint',
  'Layerize',
  'Commit',
  'FireAnimationFrame',
  'TimerFire',
  'MinorGC',
  'MajorGC',
  'BeginFrame',
  'DrawFrame',
  'DroppedFrame',
  'ActivateLayerTree',
  'NeedsBeginFrameChanged',
  'RequestMainThreadFrame',
  'BeginMainThreadFrame',
]);

/** A trace that DevTools and Perfetto open, of what one looks for only. */
export function packTrace(events) {
  const main = mainThread(events);
  const traceEvents = events
    .filter((event) => event.pid === main.pid)
    .filter((event) => event.ph === 'M' || KEPT.has(event.name) || (event.name === 'RunTask' && event.dur > 200))
    .map(({ pid, tid, ts, dur, ph, cat, name, id, args }) => {
      const data = args?.data;
      const said = event_arguments(name, ph, args, data);
      return { pid, tid, ts, dur, ph, cat, name, id, args: said };
    });
  return gzipSync(JSON.stringify({ traceEvents }), { level: 9 });
}

/** Arguments without addresses of scripts and frames of the page. */
function event_arguments(name, ph, args, data) {
  if (ph === 'M') return args;
  if (name === 'EventDispatch') return { data: { type: data?.type } };
  if (name === 'FunctionCall') return { data: { functionName: data?.functionName } };
  return args?.frameSeqId === undefined ? {} : { frameSeqId: args.frameSeqId };
}
