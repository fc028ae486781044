// A secret in clear is hidden again by its button, after half a minute, and when the page is left.
const shownFor = 30_000;
const timed = new WeakSet();

function hide(shown) {
  const hidden = shown.parentElement?.querySelector("[data-hidden]");
  const focused = shown.contains(document.activeElement);
  shown.remove();
  if (!hidden) return;
  hidden.hidden = false;
  if (focused) hidden.querySelector("button")?.focus();
}

function watch() {
  for (const shown of document.querySelectorAll("[data-revealed]")) {
    if (timed.has(shown)) continue;
    timed.add(shown);
    setTimeout(hide, shownFor, shown);
    shown.querySelector("[data-hide]").focus({ preventScroll: true });
  }
}

watch();
document.addEventListener("htmx:after:swap", watch);
document.addEventListener("click", (event) => {
  const shown = event.target.closest("[data-hide]")?.closest("[data-revealed]");
  if (!shown) return;
  event.preventDefault();
  hide(shown);
});
addEventListener("pagehide", () => document.querySelectorAll("[data-revealed]").forEach(hide));
