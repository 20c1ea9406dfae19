// htmx writes a style of its own into the page as soon as it is loaded, unless this stands there: the policy refuses styles.
const settings = document.createElement("meta");
settings.name = "htmx-config";
settings.content = JSON.stringify({ includeIndicatorStyles: false });
document.head.append(settings);
