// Links and forms that change a part of the page: the server renders the page, this takes the part out of it.
// Without JavaScript, or when the answer is none, the same links and forms load the whole page. "Show more" presses itself as its
// reader comes near, some times in a row: then a press is asked for, so that the foot of the page can be reached.

import { reach } from "./reach.js";
import { dropSkeleton, skeleton } from "./skeleton.js";

const NEAR = "900px"; // so far ahead more is fetched
const IN_A_ROW = 10;
const PLACES = 6; // skeletons that stand for what comes

async function fetchPage(address, options = {}) {
  const answer = await reach(address, { headers: { Accept: "text/html" }, ...options });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function swapPart(link) {
  const part = document.querySelector(link.dataset.swap);
  const grid = part.querySelector("[data-grid]");
  part.setAttribute("aria-busy", "true");
  grid?.replaceChildren(skeleton(grid.children.length));
  const page = await fetchPage(link.href);
  part.replaceWith(document.adoptNode(page.querySelector(link.dataset.swap)));
  history.replaceState(null, "", link.href);
  inARow = 0;
  watchMore();
  document.querySelector(`${link.dataset.swap} [aria-current]`)?.focus();
}

async function sendForm(form, button) {
  const part = document.querySelector(form.dataset.swap);
  part.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(form, button));
  const page = await fetchPage(form.action, { method: "POST", body });
  part.replaceWith(document.adoptNode(page.querySelector(form.dataset.swap)));
  (document.getElementById(form.id)?.querySelector("button") ?? document.querySelector(form.dataset.swap)).focus({ preventScroll: true });
}

async function appendMore(link) {
  if (link.ariaBusy === "true") return null;
  link.ariaBusy = "true";
  const grid = document.querySelector("[data-grid]");
  grid.append(skeleton(PLACES));
  const page = await fetchPage(link.href).finally(() => {
    dropSkeleton(grid);
    link.ariaBusy = null;
  });
  const added = [...page.querySelectorAll("[data-grid] > *")];
  grid.append(...added);
  const next = page.querySelector("[data-more]");
  if (next) link.href = next.href;
  else link.parentElement.remove();
  return added[0];
}

let inARow = 0;

const nearness = new IntersectionObserver(
  async ([{ isIntersecting, target: link }]) => {
    if (!isIntersecting || inARow >= IN_A_ROW) return;
    nearness.unobserve(link);
    inARow += 1;
    await appendMore(link).catch(() => {}); // the link is still there to be pressed
    watchMore(); // it may be near still
  },
  { rootMargin: NEAR },
);

function watchMore() {
  const link = document.querySelector("[data-more]");
  if (link) nearness.observe(link);
}

// Somebody pressed it: the keyboard goes on from the first film that came.
async function pressMore(link) {
  const first = await appendMore(link);
  first?.querySelector("a")?.focus({ preventScroll: true });
  inARow = 0;
  nearness.unobserve(link);
  watchMore();
}

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest("a[data-swap], a[data-more]");
  if (!link || !plain) return;
  event.preventDefault();
  const change = "swap" in link.dataset ? swapPart(link) : pressMore(link);
  change.catch(() => location.assign(link.href));
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-swap]");
  if (!form) return;
  event.preventDefault();
  // Sending it again is harmless; a plain submit() would leave the pressed button's value out.
  sendForm(form, event.submitter).catch(() => {
    delete form.dataset.swap;
    form.requestSubmit(event.submitter);
  });
});

watchMore();
