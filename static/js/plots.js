// Small time series: every <figure data-plot='{"label":…,"top":…,"at":[…],"values":[…]}'> becomes a plot without axes.
// The text beside it says the number of the moment, so the picture is silent to screen readers.
import uPlot from "uplot";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(figure) {
  const { label, top, at, values } = JSON.parse(figure.dataset.plot);
  figure.querySelector(".uplot")?.remove();
  const plot = new uPlot(
    {
      width: figure.clientWidth,
      height: 44,
      padding: [2, 0, 2, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { y: { range: (_, __, max) => [0, Math.max(max ?? 0, top)] } },
      series: [
        {},
        { label, stroke: colour("--hs-plot"), fill: colour("--hs-plot-fill"), width: 1.5, points: { show: false } },
      ],
    },
    [at, values],
  );
  plot.root.setAttribute("aria-hidden", "true");
  figure.prepend(plot.root);
}

function drawAll() {
  document.querySelectorAll("figure[data-plot]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:after:swap", drawAll);
addEventListener("resize", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
