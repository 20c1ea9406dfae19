// Draws a chart of the numbers in the table beneath it. What ECharts brings is loaded by pages with charts alone.
import { BarChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, GridComponent, TooltipComponent, SVGRenderer]);

export function draw(place) {
  const { labels, counts, name } = JSON.parse(place.dataset.chart);
  const long = labels.some((label) => label.length > 8) || labels.length > 12;
  place.classList.add("is-drawn");
  if (long) place.style.height = `${Math.max(120, labels.length * 28 + 40)}px`;
  const chart = init(place, null, { renderer: "svg" });
  const paint = () => {
    const style = getComputedStyle(place);
    const ink = style.getPropertyValue("--tt-ink-2").trim();
    const line = style.getPropertyValue("--tt-line").trim();
    const words = { color: ink, fontFamily: style.fontFamily, fontSize: 12 };
    const names = { type: "category", data: labels, axisLabel: { ...words, width: place.clientWidth > 480 ? 200 : 150, overflow: "truncate" }, axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, inverse: long };
    const numbers = { type: "value", minInterval: 1, axisLabel: words, splitLine: { lineStyle: { color: line } } };
    chart.setOption({
      animation: false,
      grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, confine: true },
      xAxis: long ? numbers : names,
      yAxis: long ? names : numbers,
      series: [{ type: "bar", name, data: counts, barMaxWidth: 36, itemStyle: { color: style.getPropertyValue("--tt-brand").trim() } }],
    });
  };
  paint();
  new ResizeObserver(() => chart.resize()).observe(place);
  new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
}
