// Comforts of forms: a number of ticked rows, copying a secret that is shown once, a form that is sent once.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-counts]");
  if (form) count(form);
});

function count(form) {
  const ticked = form.querySelectorAll("tbody input[type=checkbox]:checked").length;
  for (const out of form.querySelectorAll("[data-count]")) out.textContent = ticked === 1 ? "1 key" : `${ticked} keys`;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.querySelector("[data-label]").textContent = "Copied";
  } catch {
    source.focus();
    source.select?.();
  }
});

// A second click on a slow line must not send twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "true";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
