// Opens /why.html in a dialog of the page, so that nobody loses their place in the list. The server draws it; without
// JavaScript the same links lead to the page itself. A guest's list is explained by what this browser keeps.

import { reach } from "./reach.js";
import { attach } from "./search.js";
import { guest } from "./visitor.js";

const dialog = document.querySelector("dialog.panel");
const body = dialog?.querySelector(".panel-body");
const list = document.querySelector("[data-for-you]");
let opener = null;
let asking = new AbortController();

function say(words) {
  const line = document.createElement("p");
  line.className = "lead";
  line.setAttribute("role", "status");
  line.textContent = words;
  body.replaceChildren(line);
}

async function show(address, options = {}) {
  asking.abort();
  asking = new AbortController();
  if (!dialog.open) {
    opener = document.activeElement;
    say(dialog.dataset.loading);
    dialog.showModal();
  }
  body.setAttribute("aria-busy", "true");
  const answer = await reach(address, { signal: asking.signal, ...options });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  body.replaceChildren(document.adoptNode(page.querySelector("#why")));
  body.querySelectorAll("[data-search]").forEach(attach);
  dialog.scrollTop = 0;
  body.querySelector("h1").focus({ preventScroll: true });
  body.removeAttribute("aria-busy");
}

function open(address, options) {
  show(address, options).catch((error) => {
    if (error.name === "AbortError") return;
    body.removeAttribute("aria-busy");
    say(dialog.dataset.failed);
  });
}

function askForGuest(movieId) {
  const question = { ...guest(), size: Number(list.dataset.forYou), explain: true, explainMovie: movieId };
  const headers = { "Content-Type": "application/json", Accept: "text/html" };
  open("/api/v1/recommendations", { method: "POST", body: JSON.stringify(question), headers });
}

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!dialog || !plain) return;
  if (event.target === dialog) return dialog.close(); // the dark around it
  const button = event.target.closest("[data-why]");
  if (button) return askForGuest(button.dataset.why);
  const link = event.target.closest('a[href^="/why.html"], .why-not .found a');
  if (!link) return;
  event.preventDefault();
  open(link.href);
});

document.addEventListener("submit", (event) => {
  if (!dialog || !event.target.matches(".why-not")) return;
  event.preventDefault();
  open(`/why.html?${new URLSearchParams(new FormData(event.target))}`);
});

dialog?.addEventListener("close", () => {
  asking.abort();
  body.replaceChildren();
  opener?.focus();
});
