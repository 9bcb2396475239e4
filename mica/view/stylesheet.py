"""The look of pages and notebook cells: one set of rules, light and dark."""

from __future__ import annotations

from mica.view.palette import DARK, LIGHT, SERIES_DARK, SERIES_LIGHT, channels

__all__ = ["notebook_style", "page_style"]

RULES = """
.mica{
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"URW Palladio L",
"Source Serif 4",Georgia,serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",
Arial,sans-serif;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",
monospace;
color:var(--ink);background:var(--ground);font:400 16px/1.55 var(--sans);
font-variant-numeric:tabular-nums lining-nums;-webkit-text-size-adjust:100%;
text-size-adjust:100%;--back:var(--ground)}
.mica *{box-sizing:border-box}
.mica h1,.mica h2,.mica h3,.mica h4,.mica h5,.mica h6{font-family:var(--serif);
font-weight:600;line-height:1.2;letter-spacing:-.005em;margin:0 0 .6em;
color:var(--ink);overflow-wrap:anywhere;text-wrap:balance}
.mica h1{font-size:clamp(1.75rem,1.3rem + 2.2vw,2.6rem);margin:0;line-height:1.1}
.mica h2{font-size:1.5rem}
.mica h3{font-size:1.17rem}
.mica h4,.mica h5,.mica h6{font-size:1rem}
.mica p,.mica ul,.mica pre,.mica dl{margin:0 0 .9em}
.mica p,.mica .text li{max-width:68ch;overflow-wrap:anywhere}
.mica .text ul{padding-left:1.2em}
.mica code,.mica pre{font-family:var(--mono);font-size:.875em}
.mica pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;
padding:.8em 1em;overflow-x:auto;line-height:1.6}
.mica .remark,.mica figcaption,.mica .x-label,.mica .y-label{color:var(--soft);
font-size:.875rem}
.mica section{margin:0 0 2rem;min-width:0}
.mica section>:last-child,.mica figure>:last-child{margin-bottom:0}
.mica figure{margin:0;min-width:0}
.mica .row{display:grid;gap:1.25rem;margin:0 0 2rem;
grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr))}
.mica .row>section{margin:0}
.mica .beside{display:flex;flex-wrap:wrap;gap:2rem 3.5rem;margin:0 0 2rem}
.mica .beside>section{margin:0;max-width:100%}
.mica .row>section,.mica section.chart{background:var(--card);
border:1px solid var(--rule);border-radius:12px;padding:1.1rem 1.25rem 1rem}
.mica section.chart>h2,.mica section.chart>h3,.mica section.chart>h4{
font-size:1.1rem;margin-bottom:.35em}
.mica tr{background:none!important}

.mica .scroll{overflow-x:auto;width:fit-content;max-width:100%;margin:0 0 .6rem}
.mica section.bars .scroll{width:auto}
.mica .scroll.long{max-height:34rem;overflow-y:auto;border-bottom:1px solid var(--rule);
background:linear-gradient(transparent,var(--back) 60%) 0 100%/100% 3rem local
no-repeat,
linear-gradient(transparent,rgb(0 0 0/.14)) 0 100%/100% .6rem scroll no-repeat}
.mica .scroll:focus-visible,.mica a:focus-visible,.mica summary:focus-visible{
outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.mica table{border-collapse:collapse;font-size:.9375rem;line-height:1.4;
color:inherit;background:none;border:0;margin:0}
.mica th,.mica td{padding:.42em .9em .42em 0;text-align:left;vertical-align:top;
border:0;border-bottom:1px solid var(--rule);font-weight:400;max-width:28rem;
overflow-wrap:break-word;background:none}
.mica th:last-child,.mica td:last-child{padding-right:.2em}
.mica th+th,.mica th+td,.mica td+td{padding-left:.9em}
.mica thead th{color:var(--soft);font-size:.8125rem;vertical-align:bottom;
border-bottom:1.5px solid var(--soft);overflow-wrap:normal}
.mica .long thead th{position:sticky;top:0;background:var(--back)}
.mica .number{text-align:right;white-space:nowrap}
.mica table:not(.cells) tbody tr:hover>*{background:var(--grid)}

.mica .tiles{display:grid;gap:1rem 2.25rem;margin:0;
grid-template-columns:repeat(auto-fit,minmax(min(100%,9.5rem),max-content))}
.mica .tiles>div{border-left:3px solid var(--accent);padding-left:.9rem}
.mica .tiles dt{color:var(--soft);font-size:.875rem;line-height:1.35}
.mica .tiles dd{margin:0;color:var(--soft);font-size:.8125rem;line-height:1.4}
.mica .tiles b{display:block;font:600 2.1rem/1.25 var(--serif);color:var(--ink);
letter-spacing:-.01em;font-variant-numeric:lining-nums}
.mica .tiles>div:not(:first-child) b{font-weight:400}

.mica .legend{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;list-style:none;padding:0;
margin:0 0 .4rem;font-size:.875rem}
.mica .legend li{margin:0;overflow-wrap:anywhere}
.mica .legend i{display:inline-block;width:1.1em;height:.22em;border-radius:2px;
margin-right:.45em;vertical-align:.24em;background:var(--c)}
.mica .plot{height:16.5rem;padding:var(--top) 8px 26px var(--left)}
.mica .plot svg{overflow:visible;display:block}
.mica .plot text{font:400 12px var(--sans);fill:var(--soft);text-anchor:middle;
font-variant-numeric:tabular-nums}
.mica .plot text.left{text-anchor:end}
.mica .plot line{stroke:var(--grid);stroke-width:1}
.mica .plot line.axis{stroke:var(--soft);stroke-width:1}
.mica .plot .line path{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;
stroke-linecap:round;vector-effect:non-scaling-stroke}
.mica .plot circle{fill:var(--c)}
.mica .plot .dots circle{fill-opacity:.55}
.mica .plot .dots circle:hover{fill-opacity:1;stroke:var(--ink)}
.mica .plot .marks line{stroke:var(--soft);stroke-dasharray:2 3}
.mica .plot .marks circle{fill:var(--card);stroke:var(--ink);stroke-width:2}
.mica .plot .marks text{fill:var(--ink)}
.mica .plot .stops>g>rect{fill:transparent}
.mica .plot .stops>g>g{opacity:0;pointer-events:none}
.mica .plot .stops>g:hover>g{opacity:1}
.mica .plot .stops line{stroke:var(--soft)}
.mica .plot .stops circle{stroke:var(--card);stroke-width:1.5}
.mica .plot .tip circle{stroke:none}
.mica .plot .tip rect{fill:var(--card);stroke:var(--rule);
filter:drop-shadow(0 1px 3px rgb(0 0 0/.18))}
.mica .plot .tip text{text-anchor:start;fill:var(--ink)}
.mica .x-label{text-align:right;margin:.1rem 0 0;max-width:none}
.mica .y-label{margin:.2rem 0 0}
.mica section.points .plot{height:24rem}
.mica section.points{max-width:44rem}
.mica section.bars{max-width:44rem}
.mica details{margin-top:.6rem;font-size:.875rem}
.mica summary{cursor:pointer;color:var(--soft);width:max-content}
.mica details[open] summary{margin-bottom:.5rem}
.mica details .scroll.long{max-height:16rem}
.mica details{--back:var(--card)}

.mica table.bars{width:100%}
.mica .bars th,.mica .bars td{border-bottom-color:var(--grid);padding-top:.3em;
padding-bottom:.3em}
.mica .bars tbody th{width:1%;max-width:16rem;min-width:4rem}
.mica .bars td>div{display:flex;align-items:center;gap:.7em}
.mica .bars td span{flex:1}
.mica .bars i{display:block;height:.7em;border-radius:2px;background:var(--c);
min-width:1px}
.mica .bars b{font-weight:400;min-width:4.5em;text-align:right}

.mica .cells{border-collapse:separate;border-spacing:2px;font-size:.875rem}
.mica .cells th,.mica .cells td{border:0;padding:.3em .45em!important;
text-align:center;vertical-align:middle;min-width:2.5em;white-space:nowrap}
.mica .cells thead td{background:none}
.mica .cells thead th{border:0;font-size:.875rem}
.mica .cells tbody th{text-align:right;color:var(--soft);max-width:14rem;
overflow:hidden;text-overflow:ellipsis}
.mica .cells .side{text-align:center;color:var(--soft);font-style:italic;
font-family:var(--serif);min-width:1.6em}
.mica .cells .upright span{writing-mode:vertical-rl;transform:rotate(180deg);
display:inline-block;max-height:11rem;overflow:hidden;text-overflow:ellipsis;
line-height:1.2}
.mica .cells thead .upright{vertical-align:bottom}
.mica .cells tbody td{border-radius:4px;color:var(--on-faint);
background:rgb(var(--right-channels)/var(--v,0))}
.mica .cells tbody td.minus{background:rgb(var(--wrong-channels)/var(--v,0))}
.mica .cells tbody td.middle{color:var(--on-middle)}
.mica .cells tbody td.deep{color:var(--on-deep)}
.mica .cells tbody td.zero{color:var(--faint);background:var(--grid)}
.mica .cells tbody td:hover{outline:1.5px solid var(--ink)}
.mica .tight{font-size:.75rem;border-spacing:1px}
.mica .tight th,.mica .tight td{min-width:2.1em;padding:.25em .2em!important}
.mica .grid-picture{width:min(100%,26rem);image-rendering:pixelated;
border:1px solid var(--rule);margin:0 0 .5rem}

.mica .gallery{display:grid;gap:1.1rem;list-style:none;padding:0;margin:0;
grid-template-columns:repeat(auto-fill,minmax(min(100%,8.5rem),1fr))}
.mica .gallery li{margin:0;max-width:15rem}
.mica .gallery img{display:block;width:100%;height:auto;border-radius:8px;
border:1px solid var(--rule);background:var(--card);margin:0}
.mica .gallery img.sharp{image-rendering:pixelated}
.mica .gallery figcaption{margin-top:.4rem;line-height:1.35;overflow-wrap:anywhere}

.mica section.text.bare{margin-bottom:1rem}
.mica section.finding{margin:0 0 1rem}
.mica section.finding+:not(.finding){margin-top:2.5rem}
.mica div.finding{--tone:var(--note);border:1px solid var(--rule);
border-left:4px solid var(--tone);border-radius:4px 10px 10px 4px;
background:var(--card);padding:.85rem 1.15rem;overflow-wrap:anywhere}
.mica div.good{--tone:var(--good)}
.mica div.warning{--tone:var(--warning)}
.mica div.problem{--tone:var(--problem)}
.mica .what{margin:0 0 .2rem;font-size:.875rem;color:var(--tone)}
.mica .what code{color:var(--soft);margin-left:.4em}
.mica .symbol{display:inline-block;width:1.5em;height:1.5em;line-height:1.5em;
text-align:center;border-radius:50%;background:var(--tone);color:var(--card);
font-size:.8em;font-weight:700;margin-right:.55em}
.mica .fact{margin:0;font-weight:600}
.mica .finding dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;
margin:.45rem 0 0;font-size:.9375rem}
.mica .finding dt{color:var(--soft)}
.mica .finding dd{margin:0;max-width:68ch}
"""

PAGE_RULES = """
html{scroll-behavior:smooth;background:var(--ground)}
body.mica{margin:0;padding:0 clamp(1rem,4vw,3rem)}
.mica>*{max-width:66rem;margin-left:auto;margin-right:auto}
.mica .skip{position:absolute;left:-99rem}
.mica .skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem}
.mica a{color:var(--accent)}
.mica .top{display:flex;gap:1.1rem;align-items:center;
padding:clamp(1.6rem,5vw,3.2rem) 0 1.4rem}
.mica .top .remark{margin:.45rem 0 0;font-size:1rem}
.mica .logo{flex:none;fill:var(--accent);stroke:var(--accent);stroke-linejoin:round}
.mica .logo path{fill-opacity:.28;stroke-width:1.2}
.mica nav ol{display:flex;flex-wrap:wrap;gap:.15rem 1.4rem;list-style:none;margin:0;
padding:.65rem 0;border-top:1px solid var(--rule);font-size:.9375rem}
.mica nav a{color:var(--soft);text-decoration:none}
.mica nav a:hover{color:var(--accent);text-decoration:underline}
.mica main{border-top:1px solid var(--rule);padding-top:2rem}
.mica main>section{margin-bottom:2.75rem;scroll-margin-top:1rem}
.mica main>section.finding{margin-bottom:1rem}
.mica footer{border-top:1px solid var(--rule);color:var(--soft);font-size:.8125rem;
padding:1rem 0 2.5rem;margin-top:3rem}
@media (max-width:30rem){
.mica .top{align-items:flex-start}
.mica .logo{width:36px;height:30px;margin-top:.2rem}
.mica .row>section,.mica section.chart{padding:.9rem .9rem .8rem}
.mica .finding dl{grid-template-columns:1fr;gap:0}
.mica .finding dd{margin-bottom:.3rem}
.mica .gallery{grid-template-columns:repeat(2,1fr)}
.mica .cells{font-size:.8rem;border-spacing:1px}
.mica .cells th,.mica .cells td{min-width:2em;padding:.25em .2em!important}
.mica .tiles b{font-size:1.7rem}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
@page{margin:16mm}
:root{--ground:#fff}
.mica .row{grid-template-columns:1fr 1fr}
.mica .plot{height:12rem}
.mica main>section{margin-bottom:1.75rem}
body.mica{padding:0;font-size:10.5pt}
.mica nav,.mica details,.mica .skip,.mica .stops{display:none}
.mica .scroll,.mica .scroll.long{overflow:visible;max-height:none;background:none}
.mica section.chart,.mica div.finding,.mica li,.mica tr,.mica .tiles,
.mica figure{break-inside:avoid}
.mica h1,.mica h2,.mica h3{break-after:avoid}
.mica *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.mica .plot .c2 path{stroke-dasharray:7 4}
.mica .plot .c3 path{stroke-dasharray:2 4}
.mica .plot .c4 path{stroke-dasharray:9 3 2 3}
}
"""

NOTEBOOK_RULES = """
.mica.notebook{background:none;--back:var(--card);font-size:14px;
padding:.5rem .25rem;max-width:66rem}
"""

# How JupyterLab, Visual Studio Code and Colab say that they are dark.
DARK_NOTEBOOKS = (
    'body[data-jp-theme-light="false"] .mica',
    "body.vscode-dark .mica",
    'html[theme="dark"] .mica',
)


def _variables(colours: dict[str, str], series: tuple[str, ...]) -> str:
    named = {name.replace("_", "-"): colour for name, colour in colours.items()}
    named |= {f"c{k}": colour for k, colour in enumerate(series, start=1)}
    for name in ("right", "wrong"):
        named[f"{name}-channels"] = " ".join(map(str, channels(colours[name])))
    return ";".join(f"--{name}:{value}" for name, value in named.items())


def _series_rules() -> str:
    return "".join(
        f".mica .c{k}{{--c:var(--c{k})}}" for k in range(1, len(SERIES_LIGHT) + 1)
    )


def page_style() -> str:
    """Give a page's style: dark where the reader's system is, light on paper."""
    light, dark = _variables(LIGHT, SERIES_LIGHT), _variables(DARK, SERIES_DARK)
    colours = (
        f":root{{color-scheme:light;{light}}}"
        f"@media screen and (prefers-color-scheme:dark)"
        f"{{:root{{color-scheme:dark;{dark}}}}}"
    )
    return colours + _series_rules() + RULES + PAGE_RULES


def notebook_style() -> str:
    """Give a notebook cell's style: it follows the notebook's own theme."""
    light, dark = _variables(LIGHT, SERIES_LIGHT), _variables(DARK, SERIES_DARK)
    colours = f".mica{{{light}}}{','.join(DARK_NOTEBOOKS)}{{{dark}}}"
    return colours + _series_rules() + RULES + NOTEBOOK_RULES
