"""The page of a walk, tried in a real browser: steps, keys, numbers, heat maps."""

import html
import json
import re
import shutil
import subprocess

import pytest
import torch
from torch import nn

import mica
from mica.trace import walk

BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="needs chromium, which is not installed"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    torch.manual_seed(0)
    model = mica.Sequential(
        mica.Input((12, 12, 1)),
        mica.layers.Conv2D(2, 3, activation="relu", name="<b>eyes</b>"),
        mica.layers.Flatten(),
        mica.layers.Dense(2, activation="softmax"),
    )
    model.compile(mica.optimizers.SGD(0.5), "categorical_crossentropy")
    one = walk(model, torch.randn(2, 12, 12, 1), torch.eye(2))
    path = one.page(tmp_path_factory.mktemp("page") / "deep" / "walk.html")
    return one, path


def data(path):
    text = path.read_text(encoding="utf-8")
    found = re.search(r'id="walk">(.*?)</script>', text, flags=re.DOTALL)
    return json.loads(found.group(1))


def test_a_page_holds_every_step_and_asks_for_nothing_from_outside(page):
    one, path = page
    content = data(path)
    assert [step["name"] for step in content["steps"]] == [s.name for s in one.steps]
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//cdn|@import|url\(|<link|<img|innerHTML", text)


def test_a_large_tensor_is_cut_and_says_so(page):
    _, path = page
    by_name = {step["name"]: step for step in data(path)["steps"]}
    flat = by_name["view"]["value"]
    assert flat["shape"] == [2, 200]
    assert flat["cut"]
    assert len(flat["numbers"][0]) == 64


def test_a_page_writes_infinities_as_words(tmp_path):
    path = walk(nn.Identity(), [[float("inf"), float("nan")]]).page(tmp_path / "w.html")
    assert data(path)["sources"][0]["value"]["numbers"] == [["inf", "nan"]]


def browse(tmp_path, path, script):
    """Open the page in a frame, let a script act in it, and read what it writes."""
    driver = tmp_path / "driver.html"
    driver.write_text(
        f"""<!DOCTYPE html><meta charset="utf-8"><iframe id="f" width="1200"
        height="800" src="{html.escape(path.as_uri())}"></iframe><pre id="out"></pre>
        <script>
        const frame = document.getElementById("f"), out = [];
        frame.onload = () => {{
          const page = frame.contentDocument, get = id => page.getElementById(id);
          const key = name => page.body.dispatchEvent(
            new frame.contentWindow.KeyboardEvent("keydown",
              {{ key: name, bubbles: true }}));
          const say = () => out.push(get("count").textContent + " | " +
            page.querySelector("#card h2").textContent);
          try {{ {script} }} catch (error) {{ out.push("ERROR " + error); }}
          document.getElementById("out").textContent = JSON.stringify(out);
        }};
        </script>""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu",
            "--allow-file-access-from-files", "--virtual-time-budget=4000",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", driver.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    return json.loads(html.unescape(found.group(1)))


@needs_browser
def test_keys_and_buttons_step_forward_and_back(tmp_path, page):
    one, path = page
    said = browse(
        tmp_path,
        path,
        """say(); key("ArrowRight"); key("ArrowRight"); say(); key("ArrowLeft"); say();
        get("next").click(); say(); get("compare").click(); say();
        get("learn").click(); say(); key("End"); say(); get("back").click(); say();
        key("Home"); say(); out.push(get("back").disabled);
        out.push(page.querySelectorAll("nav b, h2 b").length);""",
    )
    last = int(said[0].split(" of ")[1].split(" ")[0])
    names = [step.name for step in one.steps]
    compared = next(i for i, s in enumerate(one.steps) if s.phase == "compare")
    assert said[0] == f"1 of {last} | Start"
    assert said[1].startswith(f"3 of {last} | {names[1]}: ")
    assert said[2].startswith(f"2 of {last} | {names[0]}: ")
    assert said[3] == said[1]
    assert said[4].startswith(f"{compared + 2} of {last} | {names[compared]}: ")
    assert said[5] == f"{len(names) + 2} of {last} | Back through {names[-1]}"
    assert said[6] == f"{last} of {last} | Learn: dense.bias"
    assert said[7] == f"{last - 1} of {last} | Learn: dense.weight"
    assert said[8] == said[0]
    assert said[9] is True
    assert said[10] == 0  # the layer's name is text, not markup


def shown(number):
    """As the page writes it: six digits kept, four of them shown."""
    return float(f"{float(f'{number:.6g}'):.4g}")


@needs_browser
def test_a_weight_is_followed_and_large_tensors_are_heat_maps(tmp_path, page):
    one, path = page
    said = browse(
        tmp_path,
        path,
        """const chooser = get("weights"); chooser.value = "dense.bias";
        chooser.dispatchEvent(new frame.contentWindow.Event("change"));
        out.push(get("followed").textContent); key("ArrowRight"); say();
        key("End"); page.querySelectorAll("#card td.pick")[1].click();
        out.push(get("followed").textContent);
        out.push(page.querySelectorAll(".chain .node").length > 3);
        frame.contentWindow.location.hash = "stage=3";
        frame.contentWindow.dispatchEvent(
          new frame.contentWindow.Event("hashchange"));
        say(); out.push(page.querySelectorAll("#card canvas").length > 0);
        out.push(get("follow").hidden);""",
    )
    slope = one.weight("dense.bias").gradient
    for text, number in ((said[0], slope[0]), (said[2], slope[1])):
        old, rate, gradient, new = map(float, re.findall(r"-?\d[\d.e-]*", text))
        assert (old, rate) == (0, 0.5)
        assert (gradient, new) == (shown(number), shown(-0.5 * number))
    users = [s.name for s in one.steps if "dense.bias" in s.inputs]
    assert f"| {users[0]}: " in said[1]
    assert said[3] is True
    assert said[4].startswith("4 of ")
    assert said[5:] == [True, True]
