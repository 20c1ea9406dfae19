// Times of day and moments, as the server reads them (app/forms/fields/time.py and date_time.py).
const DAY = 86_400_000;

// "8h", "14.30", "1430", "8:05" → "08:05"; null: it is none.
export function time(typed) {
  const [, hour, minute = "00"] = /^(\d{1,2})(?:\s?[:hg.]\s?(\d{2}))?[hg]?$/i.exec(typed) ?? /^(\d{2})(\d{2})$/.exec(typed) ?? [];
  return hour < 24 && minute < 60 ? `${hour.padStart(2, "0")}:${minute}` : null;
}

// By how many milliseconds the clocks of a zone are ahead of Greenwich at that moment.
function ahead(at, zone) {
  const named = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at).find(({ type }) => type === "timeZoneName").value;
  const [, sign, hours, minutes] = /([+-])(\d{2}):(\d{2})/.exec(named) ?? [null, "+", 0, 0];
  return (sign === "-" ? -1 : 1) * (hours * 60 + Number(minutes)) * 60_000;
}

// "2026-11-22", "20:00" in Europe/Berlin → "2026-11-22T19:00:00Z". Where clocks are put back the earlier of the two, as Python does.
export function momentIn(day, clock, zone) {
  const wall = Date.parse(`${day}T${clock}:00Z`);
  const [before, after] = [ahead(wall - DAY, zone), ahead(wall + DAY, zone)];
  const isLater = ahead(wall - before, zone) !== before && ahead(wall - after, zone) === after;
  return `${new Date(wall - (isLater ? after : before)).toISOString().slice(0, 16)}:00Z`;
}
