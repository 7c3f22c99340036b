const complaints = [];
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
const background = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
};
const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !element.closest(".visually-hidden, .skip");
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !shown(element) || element.closest("option, :disabled")) continue;
  const style = getComputedStyle(element), under = background(element);
  const ink = over(rgba(style.color), under);
  const [light, dark] = [luminance(ink), luminance(under)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) complaints.push(`contrast ${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)} (${element.className || element.tagName})`);
}
for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
  if (!field.labels?.length && !field.getAttribute("aria-label")) complaints.push(`no label: ${field.name}`);
for (const control of document.querySelectorAll("button, a[href]"))
  if (shown(control) && !control.textContent.trim() && !control.getAttribute("aria-label")) complaints.push(`no name: ${control.outerHTML.slice(0, 80)}`);
for (const drawing of document.querySelectorAll("svg"))
  if (drawing.getAttribute("aria-hidden") !== "true" && !drawing.getAttribute("aria-label")) complaints.push("an SVG without a name");
for (const region of document.querySelectorAll("main *")) {
  const scrolls = /auto|scroll/.test(getComputedStyle(region).overflow) && (region.scrollHeight > region.clientHeight + 1 || region.scrollWidth > region.clientWidth + 1);
  if (scrolls && region.tabIndex < 0 && !region.querySelector("a[href], button, input, select, textarea, [tabindex]")) complaints.push(`cannot be scrolled by keyboard: ${region.className || region.tagName}`);
}
if (document.querySelectorAll("h1").length !== 1) complaints.push("a page has one h1");
if (document.querySelectorAll("main").length !== 1) complaints.push("a page has one main");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) complaints.push(`id twice: ${id}`);
if (!document.documentElement.lang) complaints.push("no language");
return [...new Set(complaints)];
