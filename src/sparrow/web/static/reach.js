// Every question to the server that may be asked twice goes through here. While nobody answers, a line on the page says so, and
// the question is asked again, each time after twice as long; a link that is followed meanwhile waits for the server, too.

const FIRST = 1000; // milliseconds until the second try
const MOST = 15000;
const AWAY = new Set([429, 502, 503, 504]); // somebody answered, but nobody who could

const line = document.querySelector("[data-away]");
const waiting = new Set(); // questions without an answer

function show() {
  line.textContent = waiting.size ? line.dataset.away : "";
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

async function ask(address, options) {
  try {
    const answer = await fetch(address, options);
    return AWAY.has(answer.status) ? null : answer;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

// As fetch(), but patient: it settles when the server answers or the signal aborts.
export async function reach(address, options = {}) {
  const question = Symbol(address);
  try {
    for (let wait = FIRST; ; wait = Math.min(2 * wait, MOST)) {
      const answer = await ask(address, options);
      if (answer) return answer;
      waiting.add(question);
      show();
      await pause(wait, options.signal);
    }
  } finally {
    waiting.delete(question);
    show();
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!waiting.size || event.defaultPrevented || link?.origin !== location.origin) return;
  event.preventDefault();
  reach("/healthz").then(() => location.assign(link.href));
});
