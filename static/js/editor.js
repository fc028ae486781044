// The editor beside the matrix: "Close" and Escape put it away, and the focus goes back to where it was opened.
let opener = null;
let typed = false;

function drawer() {
  return document.querySelector(".editor-drawer .editor");
}

function putAway() {
  drawer().replaceWith(Object.assign(document.createElement("section"), { id: "editor" }));
  opener?.focus();
}

document.addEventListener("click", (event) => {
  opener = event.target.closest('a[hx-target="#editor"]') ?? opener;
  if (!drawer() || !event.target.closest(".editor-drawer [data-close]")) return;
  event.preventDefault();
  putAway();
});
document.addEventListener("input", (event) => {
  if (event.target.closest(".editor")) typed = true;
});
document.addEventListener("htmx:after:swap", (event) => {
  if (event.target.closest?.("a")) typed = false;
});
// What was typed is not thrown away by a key.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drawer() && !typed) putAway();
});
