// Relative times grow old on an open page: they are told anew once a minute, by the clock of the page's server.
const units = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });

function told(seconds) {
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? "in a moment" : "just now";
}

const served = Date.parse(document.documentElement.dataset.now);
const skew = Number.isNaN(served) ? 0 : served - Date.now();

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = told((Date.parse(time.dateTime) - Date.now() - skew) / 1000);
  }
}, 60_000);
