"""The chart: a row for each task, a dot for each peer, on a logarithmic axis of ratios."""

import math
from html import escape

COLOURS = ["#1f77b4", "#ff7f0e", "#bcbd22", "#d62728", "#9467bd", "#8c564b", "#17becf", "#7f7f7f"]
LEFT, WIDE, STEP, TOP = 290, 560, 22, 64


def chart(rows, titles):
    """`rows` are (label, {peer: ratio}), `titles` the peers' names."""
    values = [value for _, ratios in rows for value in ratios.values() if value]
    low = math.floor(math.log10(min([0.5, *values])))
    high = math.ceil(math.log10(max([10.0, *values])))
    place = lambda value: LEFT + WIDE * (math.log10(value) - low) / (high - low)
    bottom = TOP + STEP * len(rows)
    wide, tall = LEFT + WIDE + 20, bottom + 44
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{tall}" fill="white"/>',
    ]
    colours = dict(zip(titles, COLOURS))
    for at, (name, title) in enumerate(titles.items()):
        x, y = 10 + at % 4 * 215, 16 + at // 4 * 18
        out.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colours[name]}"/>')
        out.append(f'<text x="{x + 9}" y="{y + 4}">{escape(title)}</text>')
    for power in range(low, high + 1):
        x = place(10.0**power)
        line = "black" if power == 0 else "#ddd"
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{line}"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10.0**power:g}</text>')
    middle = LEFT + WIDE / 2
    text = "their time over ours; right of 1, we are faster"
    out.append(f'<text x="{middle}" y="{bottom + 36}" text-anchor="middle">{text}</text>')
    for at, (label, ratios) in enumerate(rows):
        y = TOP + STEP * at + STEP / 2 - 6
        out.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        out.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDE}" y2="{y}" stroke="#eee"/>')
        for name, value in ratios.items():
            if value:
                tip = f"<title>{escape(titles[name])}: {value:.2f}</title>"
                out.append(
                    f'<circle cx="{place(value):.1f}" cy="{y}" r="4.5" fill="{colours[name]}" fill-opacity="0.8">{tip}</circle>'
                )
    return "\n".join(out) + "\n</svg>\n"
