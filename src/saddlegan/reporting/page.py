"""Markdown -> one HTML file that needs nothing else: styles inline, pictures as data URIs that a click shows in full
size, tables as wide as the window before they scroll."""

import base64
import re
from pathlib import Path

import markdown

STYLE = """
:root { color-scheme: light; }
body { margin: 0; padding: 1rem; color: #1f2328; background: #fff;
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body > * { max-width: 60rem; margin-left: auto; margin-right: auto; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
img { display: block; max-width: 100%; height: auto; margin: 1.2rem auto 0.3rem; cursor: zoom-in; }
.figure { overflow-x: auto; }
.figure:has(input:checked) { max-width: 100%; }
.figure input { position: absolute; opacity: 0; }
.figure input:focus-visible + img { outline: 2px solid #2f6fab; }
.figure input:checked + img { max-width: none; cursor: zoom-out; }
code { font-size: 0.85em; background: #f3f5f7; padding: 0.1em 0.3em; border-radius: 4px; overflow-wrap: anywhere; }
.table { overflow-x: auto; -webkit-overflow-scrolling: touch; margin: 1rem auto; width: fit-content;
         min-width: min(60rem, 100%); max-width: 100%; }
table { border-collapse: collapse; width: max-content; min-width: 100%; font-size: 0.85rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.6rem; text-align: left; border-bottom: 1px solid #d8dee4; }
td { max-width: min(24rem, 55vw); }
td:first-child, td:last-child { max-width: 14rem; }
th { max-width: 7rem; border-bottom: 2px solid #6e7781; vertical-align: bottom; }
em { color: #57606a; }
"""


#: What stands around a picture: it is checked, and shown in full size, by a click, a touch or the space bar.
OPENS = '<div class="figure"><label><input type="checkbox" aria-label="full size">'


def render(text: str, title: str, folder: Path) -> str:
    """HTML of a Markdown report; pictures, named relative to `folder`, are embedded."""
    body = markdown.markdown(text, extensions=["tables"])
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    body = re.sub(r"<p>(<img [^>]+>)</p>", rf"{OPENS}\1</label></div>", body)
    body = re.sub(r'src="([^":]+\.(?:png|gif))"', lambda match: f'src="{_data_uri(folder / match[1])}"', body)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _data_uri(path: Path) -> str:
    return f"data:image/{path.suffix[1:]};base64," + base64.b64encode(path.read_bytes()).decode("ascii")
