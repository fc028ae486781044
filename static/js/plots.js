// Small time series: every <figure data-plot='{"at":[…],"series":[…]}'> becomes a plot without axes' clutter.
import uPlot from "uplot";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(figure) {
  const { at, values, label } = JSON.parse(figure.dataset.plot);
  figure.querySelector(".uplot")?.remove();
  new uPlot(
    {
      width: figure.clientWidth,
      height: 64,
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { y: { range: (_, min, max) => [Math.min(0, min), Math.max(max, 1)] } },
      series: [{}, { label, stroke: colour("--hs-plot"), fill: colour("--hs-plot-fill"), width: 1.5 }],
    },
    [at, values],
    figure,
  );
}

function drawAll(root) {
  root.querySelectorAll?.("figure[data-plot]").forEach(draw);
}

drawAll(document);
document.addEventListener("htmx:after:swap", () => drawAll(document));
addEventListener("resize", () => drawAll(document));
