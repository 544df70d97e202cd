"""The methods as an SVG of bars: weighted tau with its 95 % interval over datasets."""

from . import methods

ROW, LEFT, WIDE, SIZE = 16, 210, 360, 9


def bars(results: list, nested) -> str:
    """One bar per method, in the given order; the fusion is darker."""
    def x(value):
        return LEFT + WIDE * max(value, 0)

    high = ROW * (len(results) + 2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 60}" height="{high}" '
           f'font-family="sans-serif" font-size="{SIZE}">', '<rect width="100%" height="100%" fill="white"/>']
    for at, result in enumerate(results):
        top, mean = ROW * (at + 0.5), result.tau.mean()
        low, top_end = methods.bootstrap(result.tau)
        middle = top + ROW / 2
        fill = "#1f5fa8" if result is nested else "#b9c9dc"
        out += [f'<text x="{LEFT - 6}" y="{middle + 3:.1f}" text-anchor="end">{result.name}</text>',
                f'<rect x="{LEFT}" y="{top + 2:.1f}" width="{x(mean) - LEFT:.1f}" height="{ROW - 5}" fill="{fill}"/>',
                f'<path d="M{x(low):.1f} {middle:.1f}H{x(top_end):.1f}" stroke="#333"/>',
                f'<text x="{LEFT + WIDE + 8}" y="{middle + 3:.1f}">{mean:.3f}</text>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<text x="{x(tick):.1f}" y="{high - 6}" text-anchor="middle" fill="#555">{tick:g}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
