// Links and forms that change a part of the page: the server renders the page, this takes the part out of it.
// Without JavaScript, or when the fetch fails, the same links and forms load the whole page.

async function fetchPage(address, options = {}) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, ...options });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function swapPart(link) {
  const part = document.querySelector(link.dataset.swap);
  part.setAttribute("aria-busy", "true");
  const page = await fetchPage(link.href);
  part.replaceWith(document.adoptNode(page.querySelector(link.dataset.swap)));
  history.replaceState(null, "", link.href);
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
  link.setAttribute("aria-busy", "true");
  const page = await fetchPage(link.href);
  const added = [...page.querySelectorAll("[data-grid] > *")];
  document.querySelector("[data-grid]").append(...added);
  added[0]?.querySelector("a")?.focus({ preventScroll: true });
  const next = page.querySelector("[data-more]");
  if (!next) return link.parentElement.remove();
  link.href = next.href;
  link.removeAttribute("aria-busy");
}

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest("a[data-swap], a[data-more]");
  if (!link || !plain) return;
  event.preventDefault();
  const change = "swap" in link.dataset ? swapPart(link) : appendMore(link);
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
