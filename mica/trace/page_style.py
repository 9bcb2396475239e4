"""The style sheet of a walk's page: light and dark, no outside resource."""

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1f2430; --soft: #6a7080; --line: #dcd9d2;
  --predict: #2f6fb0; --compare: #a8640a; --learn: #2f7d4f; --mark: #fff3d6; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #16181d; --card: #1f222a; --ink: #e8e6e1; --soft: #9aa0ae; --line: #363a45;
  --predict: #79b0ea; --compare: #e8ae5c; --learn: #79cf9d; --mark: #3d3524; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
header { padding: 1rem 1.5rem .75rem; border-bottom: 1px solid var(--line);
  position: sticky; top: 0; background: var(--paper); z-index: 2; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h3 { font-size: .8rem; font-weight: 600; margin: 0 0 .25rem; color: var(--soft);
  overflow-wrap: anywhere; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.controls input[type=range] { flex: 1 1 10rem; min-width: 6rem; }
button, select { font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .8rem;
  cursor: pointer; max-width: 100%; }
button:disabled { opacity: .4; cursor: default; }
button:focus-visible, select:focus-visible { outline: 2px solid var(--predict); }
.phase { padding: .15rem .7rem; border-radius: 1rem; border: 1px solid currentColor; }
.phase.on { color: var(--paper) !important; }
.predict { color: var(--predict); } .predict.on { background: var(--predict); }
.compare { color: var(--compare); } .compare.on { background: var(--compare); }
.learn { color: var(--learn); } .learn.on { background: var(--learn); }
.layout { display: grid; grid-template-columns: minmax(12rem, 18rem) minmax(0, 1fr);
  gap: 1rem; padding: 1rem 1.5rem 2rem; align-items: start; }
nav { max-height: calc(100vh - 9rem); overflow: auto; border: 1px solid var(--line);
  border-radius: .5rem; background: var(--card); }
nav ol { list-style: none; margin: 0; padding: .25rem; }
nav button { width: 100%; text-align: left; border: 0; background: none;
  padding: .15rem .5rem; font-size: .85rem; overflow-wrap: anywhere; }
nav button small { color: var(--soft); }
nav button[aria-current] { background: var(--mark); font-weight: 600; }
nav li.other { opacity: .35; }
main { min-width: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.25rem; margin-bottom: 1rem; }
.place { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
.formula { font: 1.05rem/1.5 ui-monospace, monospace; margin: .75rem 0;
  overflow-wrap: anywhere; }
.tensors { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; }
.tensor { max-width: 100%; overflow-x: auto; }
.tensor.result { border-left: 3px solid var(--line); padding-left: 1rem; }
.tensor p { margin: .25rem 0 0; font-size: .75rem; color: var(--soft); }
table { border-collapse: collapse; font: .8rem ui-monospace, monospace; }
td { border: 1px solid var(--line); padding: .1rem .4rem; text-align: right; }
td.picked { outline: 2px solid var(--compare); outline-offset: -2px; }
td.pick { cursor: pointer; }
canvas { display: block; image-rendering: pixelated; border: 1px solid var(--line);
  max-width: 100%; }
.chain { display: flex; flex-wrap: wrap; gap: .4rem; align-items: stretch; }
.node { border: 1px solid var(--line); border-radius: .5rem; padding: .3rem .6rem;
  font-size: .8rem; text-align: center; background: var(--paper); max-width: 14rem;
  overflow-wrap: anywhere; }
.node b, .node span { display: block; }
.node .delta { color: var(--learn); }
.node[aria-current] { background: var(--mark); }
.arrow { align-self: center; color: var(--soft); }
.warning { border-left: 4px solid var(--compare); }
footer { padding: 0 1.5rem 1.5rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 45rem) { .layout { grid-template-columns: minmax(0, 1fr); }
  nav { max-height: 12rem; } }
"""
